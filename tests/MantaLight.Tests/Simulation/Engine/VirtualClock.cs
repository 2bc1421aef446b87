namespace MantaLight.Simulation;

/// <summary>
/// A process's clock: the time of day may be wrong and jump, the monotonic one is the world's. Timers fire as tasks of
/// the process.
/// </summary>
internal sealed class VirtualClock(SimulatedProcess process) : TimeProvider
{
    private static readonly DateTimeOffset Epoch = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>How far the time of day is off.</summary>
    public TimeSpan Skew { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow()
    {
        process.World.CheckThread();
        return Epoch + process.World.Now + Skew;
    }

    public override long GetTimestamp()
    {
        process.World.CheckThread();
        return process.World.Now.Ticks;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        process.World.CheckThread();
        var timer = new VirtualTimer(process, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }
}

/// <summary>A timer of a process.</summary>
internal sealed class VirtualTimer(SimulatedProcess process, TimerCallback callback, object? state) : ITimer, IAlarm
{
    private TimeSpan period;
    private int generation;
    private bool disposed;

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        process.World.CheckThread();
        if (disposed)
            return false;
        generation++;
        this.period = period;
        if (dueTime != Timeout.InfiniteTimeSpan)
            process.World.At(process.World.Now + dueTime, this, generation);
        return true;
    }

    public void Ring(int generation)
    {
        if (!disposed && generation == this.generation)
            process.TimerDue(this);
    }

    /// <summary>Calls back, as a task of the process, and sets itself again where it repeats.</summary>
    public void Fire()
    {
        if (disposed)
            return;
        var armed = ++generation;
        if (period != Timeout.InfiniteTimeSpan && period > TimeSpan.Zero)
            process.World.At(process.World.Now + period, this, armed);
        process.Post(() =>
        {
            if (!disposed && armed == generation)
                callback(state);
        });
    }

    public void Dispose()
    {
        process.World.CheckThread();
        disposed = true;
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
