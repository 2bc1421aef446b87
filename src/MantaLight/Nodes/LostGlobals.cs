using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>What a run has ended without, since the broker had lost it, and this node may put back: once in each life of its connection, not for ever.</summary>
/// <param name="has">Whether the node has a blob.</param>
internal sealed class LostGlobals(Func<string, bool> has)
{
    private readonly HashSet<string> tried = new(StringComparer.Ordinal);

    /// <summary>Whether this node has one of them, and has not tried to put it back.</summary>
    public bool AreHere(SwarmState? state) => state is { Lost: { } lost } && lost.Any(hash => !tried.Contains(hash) && has(hash));

    /// <summary>Notes what a coordinator of this node has ended without itself.</summary>
    public void Tried(SwarmState? final) => tried.UnionWith(final?.Lost ?? []);

    /// <summary>On another connection it may fare better.</summary>
    public void ConnectionChanged() => tried.Clear();
}
