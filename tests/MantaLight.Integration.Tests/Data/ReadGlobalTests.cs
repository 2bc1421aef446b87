using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MantaLight.Broker;
using MantaLight.Integration.Tests.Swarms;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Protocol;
using MantaLight.Weights;
using MantaLight.Weights.Packing;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Integration.Tests.Data;

/// <summary>docs/read_global.py, on a real broker, whatever the codec by which a global travels.</summary>
public sealed class ReadGlobalTests : IAsyncLifetime
{
    private EmbeddedBroker? broker;

    public async ValueTask InitializeAsync() =>
        broker = await EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = 0 }, NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None);

    public ValueTask DisposeAsync() => broker!.DisposeAsync();

    [Theory]
    [InlineData("")]
    [InlineData("fp16")]
    [InlineData("bf16")]
    [InlineData("int8 64")]
    [InlineData("zstd")]
    [InlineData("fp16,zstd")]
    [InlineData("bf16,zstd 9")]
    [InlineData("int8,zstd")]
    public async Task The_script_prints_what_the_weights_are(string codec)
    {
        foreach (var module in new[] { "numpy", "msgpack", "paho.mqtt" })
            await Python.RequireAsync(module);
        if (codec.Contains("zstd", StringComparison.Ordinal))
            await Python.RequireAsync("zstandard");
        var random = new Random(1);
        float[] values = [.. Enumerable.Range(0, 100_000).Select(_ => random.NextSingle() - 0.25f)];
        using var model = new NamedArrays(
        [
            new NamedArray("fc.weight", ArrayType.Float32, [1000, 100], MemoryMarshal.AsBytes(values.AsSpan()).ToArray()),
            new NamedArray("fc.bias", ArrayType.Float32, [3], MemoryMarshal.AsBytes<float>([1, -2, 0.5f]).ToArray()),
            new NamedArray("steps", ArrayType.Int64, [2], MemoryMarshal.AsBytes<long>([-9, 1 << 20]).ToArray()),
        ]);
        using var expected = await PublishAsync(codec, model);
        var lines = await Python.RunAsync(await File.ReadAllTextAsync(Path.Combine(MnistFixture.Repository, "docs", "read_global.py")), broker!.Uri.Host, broker.Uri.Port.ToString(CultureInfo.InvariantCulture), "s");
        Assert.Equal(
            [
                Line("fc.weight", "float32 (1000, 100)", expected[0].Span<float>().ToArray().Average(v => (double)v)),
                Line("fc.bias", "float32 (3,)", expected[1].Span<float>().ToArray().Average(v => (double)v)),
                Line("steps", "int64 (2,)", ((1 << 20) - 9) / 2.0),
            ],
            lines.Split('\n').Select(l => l[..^1]));
    }

    /// <summary>Publishes a global as a swarm's coordinator and its task do.</summary>
    /// <returns>What readers are to make of it.</returns>
    private async Task<NamedArrays> PublishAsync(string codec, NamedArrays model)
    {
        using var packed = codec.Length == 0 ? null : Packer.Pack(PackingPlan.Parse(codec.Split(','), out _)!, model, null, null).Weights;
        var bytes = WeightsCodec.Encode(packed ?? model).ToArray();
        const int chunkSize = 64 << 10;
        var blob = new BlobRef
        {
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)), Size = bytes.Length, ChunkSize = chunkSize, ChunkCount = (bytes.Length + chunkSize - 1) / chunkSize,
            Format = packed is null ? ValueFormat.Weights : ValueFormat.Packed,
        };
        var topics = new Topics("local");
        await using var connection = await new MqttBroker(new MqttBrokerOptions { Uri = broker!.Uri }).ConnectAsync(new ConnectionProfile { ClientId = "publisher" }, CancellationToken.None);
        for (var i = 0; i < blob.ChunkCount; i++)
            await connection.PublishAsync(new OutboundMessage(topics.SwarmBlob("s", blob.Sha256, i), bytes.AsMemory(i * chunkSize, blob.LengthOf(i)), retain: true), CancellationToken.None);
        var value = new GlobalValue { Global = new GlobalEntry { Tag = "global_model_params", Version = 1, Content = new ValueRef { Blob = blob } } };
        await connection.PublishAsync(new OutboundMessage(topics.Global("s", "global_model_params"), ProtocolJson.Write(value), retain: true), CancellationToken.None);
        return packed is null ? new NamedArrays(model) : Unpacker.Unpack(packed, null);
    }

    // The last digit of a mean depends on the order in which it is summed up.
    private static string Line(string name, string rest, double mean) =>
        string.Create(CultureInfo.InvariantCulture, $"{name,-16} {rest} mean {(mean < 0 ? '-' : '+')}{Math.Abs(mean):F6}")[..^1];
}
