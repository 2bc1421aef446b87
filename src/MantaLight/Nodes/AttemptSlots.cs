using MantaLight.Concurrency;

namespace MantaLight.Nodes;

/// <summary>
/// The node's places for attempts. A task that goes on although its attempt is over leaves its place to others, but only as many such tasks as there
/// are places: whoever comes after them keeps its own until it ends, so that no number of them takes all processors.
/// </summary>
internal sealed class AttemptSlots(int places)
{
    private readonly AsyncGate gate = new(places);
    private int abandoned;

    /// <summary>Waits for a place; it is free again when the result is disposed.</summary>
    public Task<IDisposable> EnterAsync(CancellationToken cancellationToken) => gate.EnterAsync(cancellationToken);

    /// <summary>Gives up the place of a task that goes on, at once or when it ends.</summary>
    public void Abandon(IDisposable place, Task goesOn)
    {
        var leaves = Interlocked.Increment(ref abandoned) <= places;
        if (leaves)
            place.Dispose();
        else
            Interlocked.Decrement(ref abandoned);
        _ = SeeOutAsync(place, goesOn, leaves);
    }

    // Never fails: however the task ends, nobody asks any more.
    private async Task SeeOutAsync(IDisposable place, Task goesOn, bool hasLeft)
    {
        await goesOn.ConfigureAwait(Background.Quietly);
        if (hasLeft)
            Interlocked.Decrement(ref abandoned);
        else
            place.Dispose();
    }
}
