using System.Security.Cryptography;
using MantaLight.Aggregation;
using MantaLight.Benchmarks.Report;
using MantaLight.SecureAggregation;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Benchmarks.Topics;

/// <summary>What secure aggregation costs: each node's steps and bytes, and the aggregator's time, beside a plain weighted mean of the same model.</summary>
internal static class SecureTopic
{
    private const int Elements = 669_706;

    private static readonly (int Nodes, int Lost)[] Cases = [(10, 0), (10, 2), (50, 0), (50, 10)];

    /// <summary>The rows, without the topic's name.</summary>
    public static IReadOnlyList<string> Rows { get; } =
        ["mask_stream", .. Cases.SelectMany(c => new[] { "node", "aggregator", "upload", "control" }.Select(what => $"{NameOf(c)}.{what}"))];

    /// <summary>Measures all of them, on models of a seed.</summary>
    public static IEnumerable<Row> Measure()
    {
        yield return Stream();
        foreach (var row in Cases.SelectMany(Round))
            yield return row;
    }

    private static string NameOf((int Nodes, int Lost) of) => $"{of.Nodes:D2}_nodes_{of.Lost:D2}_lost";

    private static Row Stream()
    {
        var numbers = new byte[4_000_000];
        var key = RandomNumberGenerator.GetBytes(32);
        var time = Sample.Seconds(() =>
        {
            using var stream = new MaskStream(key, numbers.Length);
            stream.Apply(numbers, 32, isNegative: false);
        }, runs: 7, atLeast: 0.05);
        return Row.Of("secure.mask_stream", Sample.Of([time.Median * 1000]), "ms") with { Note = "A million 32-bit numbers." };
    }

    private static IEnumerable<Row> Round((int Nodes, int Lost) of)
    {
        var agreement = new Agreement();
        var round = new SecureRound("swarm", "0123456789abcdef-1", 1, new SecureOptions { Neighbours = 0 });
        string[] names = [.. Enumerable.Range(0, of.Nodes).Select(i => $"node_{i:D3}")];
        var people = names.Select(n => new Participant(round, n, new MemoryVault(), agreement, RandomNumberGenerator.Fill)).ToArray();
        var seconds = new double[of.Nodes];
        long sent = 0, received = 0;
        List<(string Node, string? Keys)> keys = [.. people.Select((p, i) => (names[i], (string?)Timed(i, () => p.Advertise().ToText())))];
        var shares = people.Select((p, i) => (names[i], Bytes: Timed(i, () => p.Share(keys)!))).ToDictionary(s => s.Item1, s => s.Bytes);
        var told = shares.ToDictionary(s => s.Key, s => (Func<Task<byte[]?>>)(() => Task.FromResult<byte[]?>(s.Value)));
        var input = new byte[Elements * 4];
        var sum = new byte[Elements * 4];
        string[] survivors = names[of.Lost..];
        for (var i = of.Lost; i < of.Nodes; i++)
        {
            input.AsSpan().Clear();
            Timed(i, () =>
            {
                people[i].ReceiveAsync(told).Wait(TimeSpan.FromMinutes(1));
                people[i].Mask([(input, 32)]);
                return 0;
            });
            Ring.Add(sum, input, 32);
        }
        var consents = Enumerable.Range(of.Lost, survivors.Length).ToDictionary(i => names[i], i => Timed(i, () => people[i].Consent(survivors)!));
        var revealed = Enumerable.Range(of.Lost, survivors.Length).ToDictionary(i => names[i], i => Timed(i, () => people[i].Reveal(survivors, consents)!));
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        var unmasking = new Unmasking(Roster.Of(round, keys, agreement), shares.Keys, survivors, agreement);
        foreach (var (holder, reveal) in revealed)
            unmasking.Add(holder, reveal);
        unmasking.Unmask([(sum, 32)], CancellationToken.None);
        var aggregator = System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalSeconds;
        if (sum.AsSpan().ContainsAnyExcept((byte)0))
            throw new InvalidOperationException("The sum of zeros is not zero.");
        // What a node sends beside its vector, and what of others' it reads, as it stands in messages.
        sent = Base64(keys[0].Keys!.Length / 4 * 3) + Base64(shares[names[0]].Length) + Base64(consents[survivors[0]].Length) + Base64(revealed[survivors[0]].Length);
        received = (Base64(keys[0].Keys!.Length / 4 * 3) * of.Nodes) + (Base64(shares[names[0]].Length) * of.Nodes) + (Base64(consents[survivors[0]].Length) * survivors.Length);
        var plain = PlainMean(survivors.Length);
        var name = $"secure.{NameOf(of)}";
        yield return Row.Of($"{name}.node", Sample.Of(seconds[of.Lost..].Select(s => s * 1000)), "ms") with { Note = "All steps of a survivor, without training, 669,706 numbers of 32 bits." };
        yield return new Row { Name = $"{name}.aggregator", Value = aggregator * 1000, Unit = "ms", Peer = "the plain weighted mean", PeerValue = plain * 1000, Ratio = aggregator / plain, Note = "The masks off the sum; the sum itself is not in it." };
        yield return new Row { Name = $"{name}.upload", Value = Elements * 4, Unit = "bytes a node", Peer = "float32", PeerValue = Elements * 4, Ratio = 1 };
        yield return new Row { Name = $"{name}.control", Value = sent + received, Unit = "bytes a node", Note = $"Keys, shares, signatures and what is revealed: {sent:N0} sent, {received:N0} read." };

        T Timed<T>(int node, Func<T> work)
        {
            var start = System.Diagnostics.Stopwatch.GetTimestamp();
            var result = work();
            seconds[node] += System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds;
            return result;
        }
    }

    private static long Base64(long bytes) => (bytes + 2) / 3 * 4;

    private static double PlainMean(int contributions)
    {
        var model = new byte[Elements * 4];
        return Sample.Seconds(() =>
        {
            using var mean = new WeightedMean();
            for (var i = 0; i < contributions; i++)
            {
                using var source = WeightsSource.Of(new NamedArrays([new NamedArray("model", ArrayType.Float32, [Elements], model)]));
                mean.Add(source, 10);
            }
            mean.Finish().Dispose();
        }, runs: 3, atLeast: 0).Median;
    }
}
