using MantaLight.Concurrency;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>
/// Tells a live process that has this node's id from the traces of a dead one. Clocks do not tell: a dead one's may have been
/// ahead. A live one goes on speaking, since it is contradicted; the last words of a dead one come within moments.
/// </summary>
internal sealed class NamesakeWatch(TimeSpan patience, TimeProvider time)
{
    /// <summary>
    /// Of two that push each other out only one is connected at a time, and hears of the other by what the broker retains:
    /// more different words than a dead one can have left on its way.
    /// </summary>
    private const int RetainedWords = 4;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private string incarnation = "";
    private string first = "";
    private readonly HashSet<string> words = new(StringComparer.Ordinal);
    private DateTimeOffset since;
    private DateTimeOffset? contradicted;

    /// <summary>Whether its contradiction is due: two live ones must not answer each other as fast as they can.</summary>
    public bool IsContradictionDue { get; private set; }

    /// <summary>Whether the presence of another incarnation is a live one's.</summary>
    public bool IsLive(Presence seen, bool retained)
    {
        IsContradictionDue = true;
        if (seen.Status != NodeStatus.Online)
            return false;
        if (seen.Incarnation != incarnation)
        {
            (incarnation, first, since) = (seen.Incarnation, seen.Id, time.SteadyNow());
            words.Clear();
        }
        if (words.Count < RetainedWords)
            words.Add(seen.Id);
        return seen.Id != first && (!retained || words.Count == RetainedWords) && time.SteadyNow() - since >= patience;
    }

    /// <summary>Whether to contradict now.</summary>
    public bool Contradicts()
    {
        if (!IsContradictionDue || time.SteadyNow() - contradicted < Pause)
            return false;
        (IsContradictionDue, contradicted) = (false, time.SteadyNow());
        return true;
    }
}
