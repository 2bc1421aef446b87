namespace MantaLight.Torch.Native;

/// <summary>
/// A thread for each task, used again for later ones: libtorch and MKL set much up for each new one, which short attempts would pay each time.
/// A thread that has had nothing to do for a while ends, and so does one that is given up.
/// </summary>
internal sealed class TorchThreads : TaskScheduler
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [ThreadStatic]
    private static bool isGivenUp;

    private readonly Lock gate = new();
    private readonly List<Place> idle = [];

    private TorchThreads()
    {
    }

    public static TorchThreads Instance { get; } = new();

    /// <summary>The calling thread has no task after this one: something was left on it that the next would find.</summary>
    public static void GiveUp() => isGivenUp = true;

    protected override void QueueTask(Task task)
    {
        lock (gate)
        {
            if (idle is [.., var last])
            {
                idle.RemoveAt(idle.Count - 1);
                last.Task = task;
                last.Given.Set();
                return;
            }
        }
        new Thread(() => Work(task)) { IsBackground = true, Name = "torch" }.Start();
    }

    // The thread that waits may be one of the pool's.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => [];

    private void Work(Task first)
    {
        using var place = new Place();
        for (var task = first; task is not null; task = isGivenUp ? null : Next(place))
            TryExecuteTask(task);
    }

    private Task? Next(Place place)
    {
        lock (gate)
        {
            place.Task = null;
            idle.Add(place);
        }
        if (place.Given.WaitOne(Patience))
            return place.Task;
        lock (gate)
        {
            // Null unless it was given one at the last moment.
            if (place.Task is null)
                idle.Remove(place);
            else
                place.Given.WaitOne();
            return place.Task;
        }
    }

    private sealed class Place : IDisposable
    {
        public AutoResetEvent Given { get; } = new(false);

        public Task? Task { get; set; }

        public void Dispose() => Given.Dispose();
    }
}
