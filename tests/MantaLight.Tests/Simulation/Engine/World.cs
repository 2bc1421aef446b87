using System.Diagnostics;

namespace MantaLight.Simulation;

/// <summary>Something that is due at a moment.</summary>
internal interface IAlarm
{
    /// <param name="generation">As it was when the alarm was set; whoever has set another since ignores it.</param>
    void Ring(int generation);
}

/// <summary>
/// The one thread on which everything of a history happens: it runs what is ready and, when nothing is, advances the
/// time to what is due next. Nothing else orders events, so that a seed gives the whole history.
/// </summary>
internal sealed class World
{
    // A process that is busy without any time passing is in a loop.
    private const int MaximumTasksPerInstant = 200_000;

    private readonly PriorityQueue<(IAlarm Alarm, int Generation), Moment> due = new();
    private readonly List<(SimulatedProcess Process, Task Task)> ready = [];
    private readonly Thread thread = Thread.CurrentThread;
    private readonly Draw order;
    private readonly bool isOrdered;
    private int first;
    private long sequence;
    private volatile string? failure;

    public World(long seed, bool writesTrace = false)
    {
        Seed = seed;
        order = Draw.For(seed, "order");
        isOrdered = order.Chance(0.3);
        Trace = new Trace(this, writesTrace);
    }

    public long Seed { get; }

    /// <summary>How long it has been running.</summary>
    public TimeSpan Now { get; private set; }

    public Trace Trace { get; }

    /// <summary>What has gone wrong so far.</summary>
    public Tally Tally { get; } = new();

    /// <summary>How many tasks have run.</summary>
    public long Steps { get; private set; }

    /// <summary>What went wrong first; nothing happens after it.</summary>
    public string? Failure => failure;

    public void Fail(string what)
    {
        if (Interlocked.CompareExchange(ref failure, what, null) is null && Thread.CurrentThread == thread)
            Trace.Write("VIOLATION", what);
    }

    public void At(TimeSpan moment, IAlarm alarm, int generation = 0) =>
        due.Enqueue((alarm, generation), new Moment(moment < Now ? Now.Ticks : moment.Ticks, sequence++));

    public void At(TimeSpan moment, Action action) => At(moment, new Once(action));

    public void After(TimeSpan span, Action action) => At(Now + span, action);

    /// <summary>Everything that reaches the world must come from its own thread: what does not has left it by an await that went elsewhere.</summary>
    public void CheckThread()
    {
        if (Thread.CurrentThread == thread)
            return;
        var problem = $"Work left the simulation for another thread and came back here:\n{new StackTrace(1, fNeedFileInfo: false)}";
        Fail(problem);
        throw new InvalidOperationException(problem);
    }

    internal void Enqueue(SimulatedProcess process, Task task)
    {
        CheckThread();
        ready.Add((process, task));
    }

    /// <summary>Runs until the condition holds, something fails, or the time is up; returns whether the condition holds.</summary>
    public bool Run(Func<bool> until, TimeSpan deadline)
    {
        CheckThread();
        for (var atOnce = 0; failure is null; atOnce++)
        {
            if (TryTake(out var next))
            {
                next.Process.Run(next.Task);
                Steps++;
                if (atOnce > MaximumTasksPerInstant)
                    Fail($"More than {MaximumTasksPerInstant} tasks ran at {Now} without time passing.");
                continue;
            }
            if (until())
                return true;
            if (!due.TryPeek(out _, out var moment))
            {
                Fail("Nothing is ready and nothing is due, but it is not over.");
                break;
            }
            if (moment.Ticks > deadline.Ticks)
            {
                Now = deadline;
                return false;
            }
            if (moment.Ticks > Now.Ticks)
                (Now, atOnce) = (new TimeSpan(moment.Ticks), 0);
            var (alarm, generation) = due.Dequeue();
            try
            {
                alarm.Ring(generation);
            }
            catch (ProcessKilledException)
            {
                // What rang had the process publish something, at which it was killed.
            }
        }
        return false;
    }

    // Threads of a pool give no order either: any of what is ready may come next.
    private bool TryTake(out (SimulatedProcess Process, Task Task) taken)
    {
        taken = default;
        if (first == ready.Count)
            return false;
        if (!isOrdered)
        {
            var chosen = first + order.Below(ready.Count - first);
            (ready[first], ready[chosen]) = (ready[chosen], ready[first]);
        }
        taken = ready[first];
        ready[first++] = default;
        if (first == ready.Count)
        {
            ready.Clear();
            first = 0;
        }
        return true;
    }

    private readonly record struct Moment(long Ticks, long Sequence) : IComparable<Moment>
    {
        public int CompareTo(Moment other) => Ticks != other.Ticks ? Ticks.CompareTo(other.Ticks) : Sequence.CompareTo(other.Sequence);
    }

    private sealed class Once(Action action) : IAlarm
    {
        public void Ring(int generation) => action();
    }
}
