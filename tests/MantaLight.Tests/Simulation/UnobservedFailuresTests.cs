namespace MantaLight.Simulation;

[Collection(nameof(Alone))]
public sealed class UnobservedFailuresTests
{
    [Fact]
    public void A_task_that_fails_while_nobody_looks_is_found_with_its_process_and_seed()
    {
        var failure = Assert.Single(Run(7, _ => { }, Forgotten));
        Assert.Equal((7, "p"), (failure.Seed, failure.Process));
        Assert.Contains("forgotten", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_task_that_fails_after_its_caller_has_stopped_waiting_is_found() =>
        Assert.Single(Run(8, _ => { }, time => FailLater(time).WaitAsync(TimeSpan.FromSeconds(0.5), time)));

    [Fact]
    public void What_is_awaited_is_nobodys_fault() => Assert.Empty(Run(9, _ => { }, async time =>
    {
        try
        {
            await FailLater(time);
        }
        catch (InvalidOperationException)
        {
        }
    }));

    [Fact]
    public void A_killed_process_could_not_look() =>
        Assert.Empty(Run(10, process => process.World.At(TimeSpan.FromSeconds(2), process.Kill), Forgotten));

    [Fact]
    public void A_history_in_which_a_task_fails_while_nobody_looks_is_a_violation()
    {
        var found = new Dictionary<long, string?>();
        Batch.Run(1, 2, 1, plan => plan.Undisturbed() with { Swarms = [plan.Swarms[0] with { Whims = 0, Worker = nameof(ForgetfulWorker) }] }, outcome =>
        {
            found[outcome.Seed] = outcome.Violation;
            return true;
        });
        Assert.Equal(2, found.Count);
        Assert.All(found.Values, violation => Assert.Contains("nobody looked", violation, StringComparison.Ordinal));
    }

    private static async Task Forgotten(TimeProvider time)
    {
        _ = FailLater(time);
        await Task.Delay(TimeSpan.FromSeconds(3), time);
    }

    private static async Task FailLater(TimeProvider time)
    {
        await Task.Delay(TimeSpan.FromSeconds(1), time);
        throw new InvalidOperationException("forgotten");
    }

    private static IReadOnlyList<UnobservedFailure> Run(long seed, Action<SimulatedProcess> prepare, Func<TimeProvider, Task> main)
    {
        using var failures = new UnobservedFailures();
        // A thread whose stack holds nothing of it afterwards.
        var thread = new Thread(() =>
        {
            var world = new World(seed);
            var process = new SimulatedProcess(world, "p", TimeSpan.Zero);
            prepare(process);
            world.At(TimeSpan.FromSeconds(5), () => { });
            process.Start(() => main(process.Clock), _ => { });
            world.Run(() => world.Now >= TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5));
        });
        thread.Start();
        thread.Join();
        return [.. failures.Collect().Where(f => f.Seed == seed)];
    }
}

/// <summary>Leaves something behind that fails.</summary>
public sealed class ForgetfulWorker : LeisurelyWorker
{
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        _ = FailAsync();
        return base.RunAsync(cancellationToken);
    }

    private static async Task FailAsync()
    {
        await Task.Yield();
        throw new InvalidOperationException("forgotten");
    }
}
