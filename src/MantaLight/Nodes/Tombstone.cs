using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>What is left of a removed swarm: its last state, so that who was away takes it for removed and not for lost.</summary>
internal static class Tombstone
{
    /// <summary>For how long those who were away are waited for.</summary>
    public static readonly TimeSpan Lasts = TimeSpan.FromDays(1);

    /// <summary>How long the broker is to keep what says a status; null for ever.</summary>
    public static TimeSpan? Expiry(RunStatus? status) => status == RunStatus.Removed ? Lasts : null;
}
