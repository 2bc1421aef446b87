using System.Collections.Immutable;
using System.Diagnostics;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>What is told of an attempt that has thrown: type, message, and the task's own frames.</summary>
internal static class FailureReport
{
    private const int MaximumMessage = 2000;
    private const int MaximumFrames = 12;

    /// <param name="exception">What the task, or what it has called, has thrown.</param>
    /// <param name="missing">The results that it could not get.</param>
    public static TaskFailed Of(Exception exception, ImmutableArray<MissingResult> missing)
    {
        // The task's own: how many of the runtime's there are depends on what the compiler has inlined by then.
        var frames = new StackTrace(exception).GetFrames()
            .Select(frame => frame.GetMethod())
            .Where(method => method?.DeclaringType is { } type && type.Assembly != typeof(FailureReport).Assembly
                && type.Namespace?.StartsWith("System", StringComparison.Ordinal) != true)
            .Select(method => $"{method!.DeclaringType!.FullName}.{method.Name}")
            .Take(MaximumFrames);
        return new TaskFailed
        {
            Error = NameOf(exception),
            Message = exception.Message.Length <= MaximumMessage ? exception.Message : exception.Message[..MaximumMessage],
            Frames = [.. frames],
            Missing = missing,
            // These are the same the next time.
            Retryable = exception is not (ModuleException or TaskContractException or DatasetException or InvalidSwarmException),
            Local = exception is ModuleException or DatasetException,
        };
    }

    // A user's own type may be called like an end that means something to the runtime.
    private static string NameOf(Exception exception) => exception.GetType().Name is var name && name is TaskFailed.Stopping or TaskFailed.DeadlinePassed or AttemptRunner.Spoiled
        ? $"{name}Exception"
        : name;
}
