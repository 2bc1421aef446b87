namespace MantaLight.Concurrency;

/// <summary>Lets so many in at a time, the others in the order in which they came.</summary>
internal sealed class AsyncGate(int places)
{
    private readonly Lock gate = new();
    private readonly LinkedList<TaskCompletionSource> waiting = [];
    private int free = places;

    /// <summary>Waits for a place; it is free again when the result is disposed.</summary>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        LinkedListNode<TaskCompletionSource> turn;
        lock (gate)
        {
            if (free > 0)
            {
                free--;
                return new Place(this);
            }
            turn = waiting.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        await using var cancelled = cancellationToken.UnsafeRegister((_, token) => GiveUp(turn, token), null);
        await turn.Value.Task;
        return new Place(this);
    }

    private void GiveUp(LinkedListNode<TaskCompletionSource> turn, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            // Not in the list any more: it has just been let in.
            if (turn.List is null)
                return;
            waiting.Remove(turn);
        }
        turn.Value.TrySetCanceled(cancellationToken);
    }

    private void Leave()
    {
        TaskCompletionSource? next = null;
        lock (gate)
        {
            if (waiting.First is { } first)
            {
                next = first.Value;
                waiting.RemoveFirst();
            }
            else
            {
                free++;
            }
        }
        next?.TrySetResult();
    }

    private sealed class Place(AsyncGate gate) : IDisposable
    {
        private int left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref left, 1) == 0)
                gate.Leave();
        }
    }
}
