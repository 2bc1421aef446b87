namespace MantaLight.Simulation;

/// <summary>Thrown into a process that has just been killed, so that it does nothing more on its way to the next await.</summary>
internal sealed class ProcessKilledException(string process) : Exception($"{process} was killed.");

/// <summary>
/// One start of a program. All of its code runs as tasks of its own scheduler, so that it can be held back or killed
/// between any two of them; its timers and its clock are its own as well.
/// </summary>
internal sealed class SimulatedProcess
{
    [ThreadStatic]
    private static SimulatedProcess? current;

    private readonly Scheduler scheduler;
    private readonly Queue<Task> held = new();
    private readonly List<VirtualTimer> overdue = [];

    public SimulatedProcess(World world, string name, TimeSpan skew)
    {
        World = world;
        Name = name;
        Fate = new ProcessFate(world.Seed, name);
        Clock = new VirtualClock(this) { Skew = skew };
        scheduler = new Scheduler(this);
    }

    public World World { get; }

    public string Name { get; }

    public VirtualClock Clock { get; }

    /// <summary>The process whose code this thread runs.</summary>
    public static SimulatedProcess? Current => current;

    /// <summary>What outlives it.</summary>
    public ProcessFate Fate { get; }

    public bool IsAlive { get; private set; } = true;

    public bool IsPaused { get; private set; }

    /// <summary>Called when it is killed, paused or continued.</summary>
    public event Action? Changed;

    /// <summary>Kills it before as many more of its tasks have run; negative for never.</summary>
    public int KilledAfterTasks { get; set; } = -1;

    /// <summary>Runs code as this process; what it throws, and that it ends, is told.</summary>
    public void Start(Func<Task> main, Action<Exception?> ended) => Post(() => _ = MainAsync(main, ended));

    /// <summary>Runs a callback as a task of this process. It must not throw.</summary>
    public void Post(Action action)
    {
        if (IsAlive)
            new Task(Guard, action).Start(scheduler);
    }

    public void Kill()
    {
        if (!IsAlive)
            return;
        IsAlive = false;
        Fate.WasKilled = !Fate.HasEnded;
        World.Trace.Add("kill", Name);
        held.Clear();
        overdue.Clear();
        Changed?.Invoke();
    }

    public void Pause()
    {
        if (!IsAlive || IsPaused)
            return;
        IsPaused = true;
        World.Trace.Add("pause", Name);
        Changed?.Invoke();
    }

    public void Continue()
    {
        if (!IsAlive || !IsPaused)
            return;
        IsPaused = false;
        World.Trace.Add("continue", Name);
        // A timer that was due several times meanwhile fires once.
        foreach (var timer in overdue)
            timer.Fire();
        overdue.Clear();
        while (held.TryDequeue(out var task))
            World.Enqueue(this, task);
        Changed?.Invoke();
    }

    /// <summary>Keeps a process that is no more from doing anything.</summary>
    public void CheckAlive()
    {
        World.CheckThread();
        if (!IsAlive)
            throw new ProcessKilledException(Name);
    }

    internal void Run(Task task)
    {
        if (IsAlive && KilledAfterTasks >= 0 && KilledAfterTasks-- == 0)
        {
            World.Tally.Add(Tally.KilledAtAwait);
            Kill();
        }
        if (!IsAlive)
            return;
        if (IsPaused)
        {
            held.Enqueue(task);
            return;
        }
        current = this;
        scheduler.Execute(task);
        current = null;
    }

    internal void TimerDue(VirtualTimer timer)
    {
        if (IsPaused)
            overdue.Add(timer);
        else if (IsAlive)
            timer.Fire();
    }

    private async Task MainAsync(Func<Task> main, Action<Exception?> ended)
    {
        Exception? problem = null;
        try
        {
            await main();
        }
        catch (Exception e)
        {
            problem = e;
        }
        if (!IsAlive)
            return;
        Fate.HasEnded = true;
        ended(problem);
    }

    private void Guard(object? action)
    {
        try
        {
            ((Action)action!)();
        }
        catch (ProcessKilledException) when (!IsAlive)
        {
        }
        catch (Exception e)
        {
            World.Fail($"A callback of {Name} threw: {e}");
        }
    }

    /// <summary>Takes nothing from threads that are not the world's, and runs nothing on the spot: each await is a point where others may come in between.</summary>
    private sealed class Scheduler(SimulatedProcess process) : TaskScheduler
    {
        public void Execute(Task task) => TryExecuteTask(task);

        protected override void QueueTask(Task task) => process.World.Enqueue(process, task);

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued)
        {
            process.World.CheckThread();
            return false;
        }

        protected override IEnumerable<Task> GetScheduledTasks() => [];
    }
}
