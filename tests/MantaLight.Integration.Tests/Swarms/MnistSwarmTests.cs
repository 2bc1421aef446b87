using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Integration.Tests.Data;
using MantaLight.Protocol;
using MantaLight.Weights;

namespace MantaLight.Integration.Tests.Swarms;

/// <summary>The example on real images, by the product's own command.</summary>
public sealed class MnistSwarmTests(MnistFixture mnist) : IClassFixture<MnistFixture>
{
    [Fact]
    public void Two_rounds_learn_and_the_report_tells_each_of_them()
    {
        _ = mnist.Data;
        Assert.Equal("completed", mnist.Report.GetProperty("status").GetString());
        var rounds = mnist.Report.GetProperty("rounds").EnumerateArray().ToArray();
        Assert.Equal([1, 2], rounds.Select(r => r.GetProperty("round").GetInt32()));
        Assert.All(rounds, r => Assert.Equal(2, r.GetProperty("participants").GetInt32()));
        Assert.InRange(rounds[1].GetProperty("accuracy").GetDouble(), 0.6, 1);
        Assert.True(rounds[1].GetProperty("loss").GetDouble() < rounds[0].GetProperty("loss").GetDouble());
        Assert.All(rounds, r => Assert.True(r.GetProperty("train_seconds").GetDouble() > 0 && r.GetProperty("overhead_seconds").GetDouble() >= 0));
        Assert.Equal(2, MnistFixture.Hashes(mnist.Report).Distinct().Count());
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_bits_on_mosquitto_and_with_a_process_for_each_node()
    {
        await using var mosquitto = await MosquittoProcess.StartAsync();
        var inProcess = await mnist.RunAsync("--broker", mosquitto.Uri.OriginalString);
        Assert.Equal(MnistFixture.Hashes(mnist.Report), MnistFixture.Hashes(inProcess));
        var processes = await mnist.RunAsync("--broker", mosquitto.Uri.OriginalString, "--id", "again", "--processes");
        Assert.Equal(MnistFixture.Hashes(mnist.Report), MnistFixture.Hashes(processes));
    }

    [Fact]
    public async Task Another_seed_gives_other_bits_on_the_embedded_broker_of_the_command()
    {
        var other = await mnist.RunAsync("--seed", "43");
        Assert.NotEqual(MnistFixture.Hashes(mnist.Report), MnistFixture.Hashes(other));
    }

    [Fact]
    public async Task No_images_bytes_are_in_what_was_published()
    {
        var windows = new Dictionary<ulong, List<byte[]>>();
        var images = 0;
        foreach (var node in new[] { "node_0", "node_1" })
        {
            using var arrays = await ArrayFile.ReadAsync(Path.Combine(mnist.Data, "mnist", node, "mnist.npz"), CancellationToken.None);
            foreach (var array in new[] { arrays["x_train"], arrays["x_test"] })
            {
                for (var i = 0; i < array.Shape[0]; i++, images++)
                {
                    var pixels = array.Data.Span.Slice(i * 784, 784);
                    Add(windows, Densest(pixels, 12).ToArray());
                    Add(windows, Floats(Densest(pixels, 4)));
                }
            }
        }
        Assert.Equal(2 * (1500 + 400), images);
        // Chunks of one blob side by side, so that nothing hides on the border of two.
        var published = mnist.Published.GroupBy(m => m.Topic.Contains("/blobs/", StringComparison.Ordinal) ? m.Topic[..m.Topic.LastIndexOf('/')] : m.Topic)
            .Select(g => g.OrderBy(m => int.TryParse(m.Topic[(m.Topic.LastIndexOf('/') + 1)..], out var chunk) ? chunk : 0).SelectMany(m => m.Payload).ToArray())
            .ToArray();
        Assert.True(published.Sum(p => (long)p.Length) > 4 * 2_678_824);
        Assert.All(published, payload => Assert.Null(Find(windows, payload)));
        Assert.All(mnist.Published, m => Assert.StartsWith("mantalight/", m.Topic, StringComparison.Ordinal));

        // The search would find: an image in the middle of a model that crossed the broker.
        var planted = published.MaxBy(p => p.Length)!.ToArray();
        var image = windows.Values.Last()[0];
        image.CopyTo(planted, (planted.Length / 2) + 1);
        Assert.Equal((planted.Length / 2) + 1, Find(windows, planted));
    }

    [Fact]
    public void The_bytes_that_the_product_counts_are_those_that_the_broker_saw()
    {
        _ = mnist.Data;
        var counters = mnist.Counters!;
        Assert.InRange(mnist.Report.GetProperty("bytes_up").GetDouble() / counters.BytesIn, 0.98, 1.02);
        var rounds = mnist.Report.GetProperty("rounds").EnumerateArray().ToArray();
        Assert.InRange(rounds.Sum(r => r.GetProperty("bytes_up").GetInt64()) / (double)counters.BytesIn, 0.98, 1.02);
        Assert.InRange(mnist.Report.GetProperty("bytes_down").GetDouble() / counters.BytesOut, 0.98, 1.02);
    }

    [Fact]
    public async Task Python_reads_the_final_global_from_retained_topics_alone_and_finds_the_accuracy_of_the_state()
    {
        await Python.RequireAsync("paho.mqtt");
        await Python.RequireAsync("msgpack");
        await Python.RequireAsync("numpy");
        await using var mosquitto = await MosquittoProcess.StartAsync();
        // When the command returns, every node has gone.
        var report = await mnist.RunAsync("--broker", mosquitto.Uri.OriginalString);
        var output = await Python.RunAsync(
            """
            import hashlib, json, sys, msgpack, numpy as np, paho.mqtt.subscribe as mqtt
            port, data = int(sys.argv[1]), sys.argv[2:]
            get = lambda topic: mqtt.simple("mantalight/local/swarms/mnist/" + topic, hostname="127.0.0.1", port=port).payload
            blob = json.loads(get("globals/global_model_params"))["global"]["content"]["blob"]
            raw = b"".join(get(f"blobs/{blob['sha256']}/{i}") for i in range(blob["chunk_count"]))
            assert hashlib.sha256(raw).hexdigest() == blob["sha256"]
            layers = [np.frombuffer(t["data"], t["dtype"]).reshape(t["shape"]) for t in msgpack.unpackb(raw)["tensors"]]
            right = total = 0
            for path in data:
                with np.load(path) as file:
                    h = file["x_test"].reshape(-1, 784).astype(np.float32) / np.float32(255)
                    for i in range(0, len(layers), 2):
                        h = h @ layers[i].T + layers[i + 1]
                        h = np.maximum(h, 0) if i + 2 < len(layers) else h
                    right += int((h.argmax(1) == file["y_test"]).sum()); total += len(h)
            print(right / total)
            """,
            [mosquitto.Port.ToString(CultureInfo.InvariantCulture), .. new[] { "node_0", "node_1" }.Select(n => Path.Combine(mnist.Data, "mnist", n, "mnist.npz"))]);
        var told = report.GetProperty("rounds").EnumerateArray().Last().GetProperty("accuracy").GetDouble();
        // One sample of 800 may lie on the edge between two classes for another order of additions.
        Assert.InRange(Math.Abs(double.Parse(output, CultureInfo.InvariantCulture) - told), 0, 1 / 800.0 + 1e-9);
    }

    [Fact]
    public void Watchers_can_read_the_control_plane_as_the_protocol_says()
    {
        _ = mnist.Data;
        var control = mnist.Published.Where(m => !m.Topic.Contains("/blobs/", StringComparison.Ordinal) && m.Payload.Length > 0 && m.Topic.Split('/').Length > 4).ToArray();
        Assert.All(control, m =>
        {
            Assert.Null(JsonDocument.Parse(m.Payload).RootElement.TryGetProperty("type", out _) ? null : m.Topic);
            Assert.NotNull(ProtocolJson.Read<ControlMessage>(new(m.Payload), out _));
        });
        var kinds = control.Select(m => JsonDocument.Parse(m.Payload).RootElement.GetProperty("type").GetString()!).Distinct().Order(StringComparer.Ordinal);
        Assert.Superset(new HashSet<string> { "accepted", "blob_request", "claim", "completed", "global", "result", "running", "schedule", "state" }, kinds.ToHashSet());
    }

    private static int? Find(Dictionary<ulong, List<byte[]>> windows, byte[] payload)
    {
        for (var at = 0; at + sizeof(ulong) <= payload.Length; at++)
        {
            if (windows.TryGetValue(BinaryPrimitives.ReadUInt64LittleEndian(payload.AsSpan(at)), out var candidates)
                && candidates.Exists(c => payload.AsSpan(at).StartsWith(c)))
                return at;
        }
        return null;
    }

    private static ReadOnlySpan<byte> Densest(ReadOnlySpan<byte> pixels, int length)
    {
        var best = 0;
        var most = -1;
        for (var at = 0; at + length <= pixels.Length; at++)
        {
            var inked = length - System.MemoryExtensions.Count(pixels.Slice(at, length), (byte)0);
            if (inked > most)
                (best, most) = (at, inked);
        }
        return pixels.Slice(best, length);
    }

    private static byte[] Floats(ReadOnlySpan<byte> pixels)
    {
        var bytes = new byte[4 * pixels.Length];
        for (var i = 0; i < pixels.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * i), pixels[i] / 255f);
        return bytes;
    }

    private static void Add(Dictionary<ulong, List<byte[]>> windows, byte[] window)
    {
        var key = BinaryPrimitives.ReadUInt64LittleEndian(window);
        if (!windows.TryGetValue(key, out var list))
            windows[key] = list = [];
        list.Add(window);
    }
}
