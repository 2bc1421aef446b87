using MantaLight.Diagnostics;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>The highest authority that a member has seen for a swarm: (term, node), in that order.</summary>
internal sealed class Authority
{
    /// <summary>More elections than there will ever be; a number above is nobody's term.</summary>
    private const long MaximumTerm = 1L << 53;

    private long term;
    private string node = "";

    /// <summary>Whether a number can be a term: a forged one beyond the range could never be outbid.</summary>
    public static bool IsTerm(long term) => term is >= 0 and <= MaximumTerm;

    /// <summary>Whether the authority behind a message is lower than, the same as, or higher than another one.</summary>
    public static int Compare(CoordinatorMessage message, long term, string node) =>
        message.Term != term ? message.Term.CompareTo(term) : string.CompareOrdinal(message.From, node);

    /// <summary>Whether a coordinator's message may be obeyed, and counted where not; remembers a higher one.</summary>
    public bool Accepts(CoordinatorMessage message)
    {
        if (!IsTerm(message.Term))
        {
            Telemetry.Drop(Telemetry.Malformed);
            return false;
        }
        if (Compare(message, term, node) < 0)
        {
            Telemetry.Drop(Telemetry.LowerAuthority);
            return false;
        }
        (term, node) = (message.Term, message.From);
        return true;
    }
}
