using System.Globalization;
using System.Text.Json;
using MantaLight.Aggregation;
using MantaLight.Benchmarks.Report;
using MantaLight.Blobs;
using MantaLight.Protocol;
using MantaLight.Storage;
using MantaLight.Tasks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Benchmarks.Tasks;

/// <summary>FedAvg as a process of its own, over blobs in a folder: says what memory it has before, and at most.</summary>
internal static class AggregateProcess
{
    /// <param name="arguments">Folder, participants, whether all are here (<c>here</c>) or arrive, and blobs as <c>hash/size</c> with commas between.</param>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var (folder, participants, isHere) = (arguments[0], int.Parse(arguments[1], CultureInfo.InvariantCulture), arguments[2] == "here");
        var disk = new FileDisk(folder);
        var store = new BlobStore(disk);
        // What a program takes to have run at all is no part of a mean.
        using (var small = Models.Create(1))
            await FedAvgAsync(new Attempt(store, [store.Write(WeightsCodec.Encode(small), 256 << 10, ValueFormat.Weights)], 10, isHere));
        BlobRef[] blobs = [.. arguments[3].Split(',').Select(b => b.Split('/')).Select(b => new BlobRef
        {
            Sha256 = b[0], Size = long.Parse(b[1], CultureInfo.InvariantCulture), ChunkSize = 256 << 10, ChunkCount = 1, Format = ValueFormat.Weights,
        })];
        GC.Collect();
        // Linux: the peak counts from now on.
        await File.WriteAllTextAsync("/proc/self/clear_refs", "5");
        var before = WholeProcess.Status(Environment.ProcessId, "VmRSS");
        await FedAvgAsync(new Attempt(store, blobs, participants, isHere));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{before} {WholeProcess.Status(Environment.ProcessId, "VmHWM")}"));
        return 0;
    }

    private static Task FedAvgAsync(Attempt attempt)
    {
        var task = new FedAvg();
        var context = new AttemptContext(_ => { })
        {
            Swarm = "benchmark", Round = 1, MaximumRounds = 1, Node = "node_0", Alias = "aggregator", Attempt = 1, Seed = 1, Deadline = DateTimeOffset.MaxValue,
            Options = JsonElement.Parse("{}"), Time = TimeProvider.System,
        };
        task.Attach(new AttemptEnvironment(new World(new Globals(attempt), new Results(attempt), new RoundRequests()), new Local(new NoDatasets()), NullLogger.Instance, context));
        return task.RunAsync(CancellationToken.None);
    }

    /// <summary>Reads contributions from files and writes the new global to one, as a node does.</summary>
    private sealed class Attempt(BlobStore store, BlobRef[] blobs, int participants, bool isHere) : AttemptStore
    {
        public override IReadOnlyCollection<string> GlobalTags => [];

        public override Task<T> ReadGlobalJsonAsync<T>(string tag, Func<JsonElement, T> read, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override Task<NamedArrays> ReadGlobalWeightsAsync(string tag, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override IReadOnlyList<Result> SelectResults(string tag) => [.. Enumerable.Range(0, participants).Select(i => new Result(this, i, $"node_{i:0000}", tag, i + 1))];

        public override Task<T> ReadResultJsonAsync<T>(int index, Func<JsonElement, T> read, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override Task<NamedArrays> ReadResultWeightsAsync(int index, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override Task<WeightsSource> OpenResultWeightsAsync(int index, CancellationToken cancellationToken)
        {
            var blob = blobs[index % blobs.Length];
            using var mapped = store.Map(blob);
            return Task.FromResult<WeightsSource>(WeightsFile.Open(store.TryOpen(blob.Sha256)!, mapped.Content));
        }

        public override bool HasResultWeights(int index) => isHere;

        public override void StageGlobal(string tag, JsonElement value) => throw new NotSupportedException();

        public override void StageGlobal(string tag, NamedArrays weights) => store.Write(WeightsCodec.Encode(weights), 256 << 10, ValueFormat.Weights);

        public override void StageResult(string tag, JsonElement value)
        {
        }

        public override void StageResult(string tag, NamedArrays weights, long samples) => throw new NotSupportedException();
    }

    private sealed class NoDatasets : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}
