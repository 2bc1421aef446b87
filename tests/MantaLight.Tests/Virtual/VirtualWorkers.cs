using MantaLight.Shared;
using MantaLight.Tasks;

namespace MantaLight.Tests.Virtual;

/// <summary>On node_1, a worker that fails in the first two rounds.</summary>
public sealed class FailsAtFirstOnNodeOne : VectorWorker
{
    public override Task RunAsync(CancellationToken cancellationToken) => Context is { Node: "node_1", Round: <= 2 }
        ? throw new InvalidOperationException("not yet")
        : base.RunAsync(cancellationToken);
}

/// <summary>A worker that never ends, whatever its token says.</summary>
public sealed class DeafWorker : SwarmTask
{
    public override Task RunAsync(CancellationToken cancellationToken) => new TaskCompletionSource().Task;
}

/// <summary>A worker whose failure fails when somebody wants to tell of it.</summary>
public sealed class UnspeakableWorker : SwarmTask
{
    public override Task RunAsync(CancellationToken cancellationToken) => throw new Unspeakable();

    private sealed class Unspeakable : Exception
    {
        public override string Message => throw new NotSupportedException("not to be told");
    }
}
