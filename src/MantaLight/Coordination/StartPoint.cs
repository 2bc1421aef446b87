using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>A run that begins where another one was: behind its round, with its globals.</summary>
internal static class StartPoint
{
    /// <summary>The state of a new run, before anything has happened.</summary>
    public static CoordinatorState Of(CoordinatorState fresh)
    {
        if (fresh.Definition.Start is not { } start)
            return fresh;
        var globals = CoordinatorState.Ordered<GlobalEntry>().ToBuilder();
        foreach (var (tag, global) in start.Globals)
            globals[tag] = new GlobalEntry { Tag = tag, Version = 1, Round = start.Round, Content = Content(global) };
        return fresh with { Round = start.Round, SetUp = true, Globals = globals.ToImmutable() };
    }

    /// <summary>What the other run had been asked for next.</summary>
    public static NextRequest? Request(SwarmDefinition definition) =>
        definition.Start is { } start ? new NextRequest { Alias = start.FromAlias, Nodes = start.FromNodes, Maximum = start.FromMaximum } : null;

    /// <summary>Whether the definition starts with that blob.</summary>
    public static bool Has(SwarmDefinition definition, BlobRef blob) =>
        definition.Start is { } start && start.Globals.Values.Any(g => g.Blob?.Sha256 == blob.Sha256);

    private static ValueRef Content(StartGlobal global) => global.Blob is { } blob
        ? new ValueRef { Blob = new BlobRef { Sha256 = blob.Sha256, Size = blob.Size, ChunkSize = blob.ChunkSize, ChunkCount = blob.ChunkCount, Format = blob.Format } }
        : new ValueRef { Value = global.Value };
}
