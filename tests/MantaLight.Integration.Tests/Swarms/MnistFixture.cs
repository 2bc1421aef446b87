using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json;
using MantaLight.Broker;
using MantaLight.Cli;
using MantaLight.Cli.Data;
using MantaLight.Weights;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Integration.Tests.Swarms;

/// <summary>A small part of real MNIST on two nodes, and one run over it by the product's own command, every published byte recorded.</summary>
public sealed class MnistFixture : IAsyncLifetime
{
    private const int Nodes = 2;
    private const int TrainSamples = 1500;
    private const int TestSamples = 400;

    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-mnist-").FullName;
    private string? missing;

    public static string Repository { get; } = FindRepository();

    /// <summary>The folder for <c>run --data</c>.</summary>
    public string Data
    {
        get
        {
            Needs.That(missing is null, $"MNIST is not to be had: {missing}");
            return Path.Combine(folder, "small");
        }
    }

    /// <summary>Every message that was published in the recorded run.</summary>
    internal ConcurrentQueue<(string Topic, byte[] Payload)> Published { get; } = [];

    /// <summary>The recorded run's report.</summary>
    internal JsonElement Report { get; private set; }

    internal BrokerCounters? Counters { get; private set; }

    public async ValueTask InitializeAsync()
    {
        try
        {
            await PrepareAsync();
        }
        catch (DatasetException e)
        {
            missing = e.Message;
            return;
        }
        var options = new EmbeddedBrokerOptions { Port = 0, OnPublish = (topic, payload, _) => Published.Enqueue((topic, payload.ToArray())) };
        await using var broker = await EmbeddedBroker.StartAsync(options, NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None);
        Report = await RunAsync("--broker", broker.Uri.OriginalString);
        Counters = broker.Counters;
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Runs two rounds with further arguments; the report, which must tell of a completed swarm.</summary>
    internal async Task<JsonElement> RunAsync(params string[] arguments)
    {
        var json = Path.Combine(folder, $"{Guid.NewGuid():n}.json");
        using var output = new StringWriter();
        var code = await CommandLine.InvokeAsync(
            ["run", Path.Combine(Repository, "examples", "Mnist"), "--rounds", "2", "--data", Data, "--json", json, .. arguments],
            new CliConsole(output, output), CancellationToken.None);
        Assert.True(code == 0, $"exit code {code}: {output}");
        return JsonDocument.Parse(await File.ReadAllBytesAsync(json)).RootElement;
    }

    internal static string[] Hashes(JsonElement report) =>
        [.. report.GetProperty("rounds").EnumerateArray().Select(r => r.GetProperty("global_sha256").GetString()!)];

    private async Task PrepareAsync()
    {
        var whole = new MnistPartitions { Nodes = Nodes, Output = Path.Combine(folder, "whole") };
        await MnistPreparation.EnsureAsync(whole, MnistSources.Create(null, null), new Progress<DownloadProgress>(), CancellationToken.None);
        var small = whole with { Output = Path.Combine(folder, "small") };
        for (var node = 0; node < Nodes; node++)
        {
            using var arrays = await ArrayFile.ReadAsync(whole.FileOf(node), CancellationToken.None);
            using var part = new NamedArrays(arrays.Select(a => First(a, a.Name.EndsWith("train", StringComparison.Ordinal) ? TrainSamples : TestSamples)));
            await ArrayFile.WriteNpzAsync(small.FileOf(node), part, compress: false, CancellationToken.None);
        }
    }

    private static NamedArray First(NamedArray array, int samples)
    {
        var each = array.Data.Length / (int)array.Shape[0];
        long[] shape = [samples, .. array.Shape[1..]];
        return new NamedArray(array.Name, array.Type, shape, array.Data[..(samples * each)]);
    }

    private static string FindRepository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "MantaLight.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not lie below MantaLight.sln.");
        return folder;
    }
}
