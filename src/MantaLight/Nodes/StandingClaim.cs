using MantaLight.Concurrency;

namespace MantaLight.Nodes;

/// <summary>
/// Since when a claim has stood on the broker, as far as this node hears. It goes with its swarm; where whoever claimed was killed on the way, or
/// came too late, it stands beside a tombstone, or alone, until somebody takes it away.
/// </summary>
internal sealed class StandingClaim(TimeProvider time, TimeSpan patience)
{
    private DateTimeOffset? since;

    public bool Stands => since is not null;

    /// <summary>Whether it has stood for so long that nobody can be on the way to take it away.</summary>
    public bool HasStood => since is { } begin && time.SteadyNow() - begin >= patience;

    /// <summary>One is heard of; it may be this node's own, which is to take away the one before.</summary>
    /// <param name="at">When, where that is a while ago.</param>
    public void Seen(DateTimeOffset? at = null) => since ??= at ?? time.SteadyNow();

    /// <summary>It is taken away; or it will be heard of again where it still stands.</summary>
    public void Cleared() => since = null;

    /// <summary>Something has happened after which it may be taken away.</summary>
    public void Defer() => since = since is null ? null : time.SteadyNow();
}
