using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>What an owner has asked of a run.</summary>
internal sealed record OwnersWord(SwarmAction Action, string Definition, int Start);

/// <summary>What the owner of a swarm has asked for, and nobody has done yet.</summary>
internal sealed class OwnersWishes
{
    /// <summary>The start after which there is to be another.</summary>
    public int? RestartAfter { get; private set; }

    /// <summary>The start that is to go on, although it has ended.</summary>
    public int? ResumeAfter { get; private set; }

    /// <summary>A stop, pause or resume of the current run whose effect has not been seen.</summary>
    public OwnersWord? Word { get; private set; }

    /// <summary>Forgets them all: they were of another definition.</summary>
    public void Forget() => (RestartAfter, ResumeAfter, Word) = (null, null, null);

    /// <summary>What was asked while the connection was down may have been done, or taken back.</summary>
    public void ForgetWord() => Word = null;

    public void Speak(OwnersWord word) => Word = word;

    /// <summary>Takes the wish that a run that has ended runs again, or goes on where it can.</summary>
    public void Begin(SwarmAction action, SwarmState ended)
    {
        if (action == SwarmAction.Start)
            RestartAfter = ended.Start;
        else if (ended.Status.CanGoOn())
            ResumeAfter = ended.Start;
    }

    /// <summary>Drops what a state fulfils: it must not be again where another broker counts starts anew.</summary>
    public void Seen(SwarmState seen)
    {
        if (seen.Start > RestartAfter)
            RestartAfter = null;
        if (seen.Start > ResumeAfter)
            ResumeAfter = null;
        if (Word is { } word && (seen.Start > word.Start || (seen.Start == word.Start && IsDone(word, seen))))
            Word = null;
    }

    private static bool IsDone(OwnersWord word, SwarmState seen) => seen.Definition != word.Definition || seen.Status.IsFinal()
        || (word.Action == SwarmAction.Pause && seen.Status == RunStatus.Paused)
        || (word.Action == SwarmAction.Resume && seen.Status == RunStatus.Running);
}
