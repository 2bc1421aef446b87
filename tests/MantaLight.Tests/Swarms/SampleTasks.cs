using MantaLight.Tasks;

namespace MantaLight.Tests.Swarms;

/// <summary>Tasks that definitions in tests name; none of them does anything.</summary>
public abstract class SampleTask : SwarmTask
{
    public override Task RunAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

public sealed class InitialModel : SampleTask;

public sealed class Worker : SampleTask;

public sealed class Test : SampleTask;

public sealed class Scheduler : SampleTask;

[TaskOptions(typeof(TunedOptions))]
public sealed class Tuned : SampleTask;

public sealed record TunedOptions
{
    public double Rate { get; init; } = 0.1;

    public int Steps { get; init; }

    public string Name { get; init; } = "plain";

    public TunedMode Mode { get; init; }

    public bool? Fast { get; init; }

    public TunedInner Inner { get; init; } = new();

    public int Positive
    {
        get;
        init => field = value > 0 ? value : throw new ArgumentException($"{value} is not above zero.");
    } = 1;
}

public enum TunedMode
{
    OneByOne,
    AllAtOnce,
}

public sealed record TunedInner
{
    public int Depth { get; init; }
}

public static class Twins
{
    public sealed class Twin : SampleTask;

    public static class Others
    {
        public sealed class Twin : SampleTask;
    }
}
