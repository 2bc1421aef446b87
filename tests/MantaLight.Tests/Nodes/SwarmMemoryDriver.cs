using System.Collections.Immutable;
using System.Text;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Storage;
using MantaLight.Swarms;
using MantaLight.Tasks;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MantaLight.Tests.Nodes;

/// <summary>A member's memory of one swarm, on an empty disk and a clock that the test moves.</summary>
public abstract class SwarmMemoryDriver : IAsyncDisposable
{
    private protected static readonly byte[] Definition = Encoding.UTF8.GetBytes(SwarmHarness.Definition());

    private protected readonly FakeTimeProvider time = new();
    private protected readonly NodeSettings settings = new() { Id = "node_0", Datasets = new Nothing(), Modules = ImmutableSortedDictionary<string, TaskCatalog>.Empty, StateFolder = "none" };
    private protected readonly HashSet<string> held = [];
    private protected readonly SwarmMemory memory;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-memory-");
    private readonly SwarmArchive archive;

    private protected SwarmMemoryDriver()
    {
        archive = new SwarmArchive(new FileDisk(folder.FullName), NullLogger.Instance);
        memory = new SwarmMemory(settings, archive, "vectors", time, new LostGlobals(held.Contains));
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await archive.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private protected static SwarmState State(int start, long term, RunStatus status) => new()
    {
        From = "node_1", Term = term, Start = start, Status = status, Definition = SwarmJson.HashOf(SwarmJson.Parse(Definition)), Run = $"r-{start}",
    };

    private sealed class Nothing : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}
