using MantaLight.Protocol;

namespace MantaLight.Cli.Watching;

/// <summary>What has arrived and is not shown yet: a message from the swarm, or something to be told.</summary>
internal readonly record struct WatchInput(ControlMessage? Message, Happening? Happening = null, bool IsRetained = false);

/// <summary>
/// What waits to be shown, in order. Where that is too much the oldest is dropped, but never the latest state: it has the rounds
/// so far, and perhaps the end.
/// </summary>
internal sealed class WatchQueue(int capacity)
{
    private readonly Lock gate = new();
    private readonly Queue<WatchInput> waiting = new();
    private WatchInput? state;
    private long dropped;

    /// <summary>Adds what has arrived; never waits.</summary>
    public void Add(WatchInput input)
    {
        lock (gate)
        {
            if (waiting.Count == capacity)
            {
                var oldest = waiting.Dequeue();
                if (oldest.Message is SwarmState)
                    state = oldest;
                dropped++;
            }
            waiting.Enqueue(input);
        }
    }

    /// <summary>Takes all that waits.</summary>
    /// <param name="lost">How much was dropped since the last time.</param>
    public IReadOnlyList<WatchInput> TakeAll(out long lost)
    {
        lock (gate)
        {
            // A state that had to go is older than all that is left.
            WatchInput[] all = [.. state is { } kept ? [kept] : Array.Empty<WatchInput>(), .. waiting];
            lost = dropped;
            (state, dropped) = (null, 0);
            waiting.Clear();
            return all;
        }
    }
}
