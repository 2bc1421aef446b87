using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>The highest authority that a member has seen for a swarm: (term, node), in that order.</summary>
internal sealed class Authority
{
    private long term;
    private string node = "";

    /// <summary>Whether a coordinator's message may be obeyed; remembers a higher one.</summary>
    public bool Accepts(CoordinatorMessage message)
    {
        var order = message.Term.CompareTo(term);
        if (order == 0)
            order = string.CompareOrdinal(message.From, node);
        if (order < 0)
            return false;
        (term, node) = (message.Term, message.From);
        return true;
    }
}
