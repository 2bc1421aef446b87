namespace MantaLight.Nodes;

/// <summary>
/// A task's own cancellation: it follows the node's token, beside whoever cancels that, so that what the task does in its answer neither holds nor fails
/// anybody else. Its source is left to the collector: the task may have the token for longer than its attempt lasts.
/// </summary>
internal sealed class TaskToken
{
    private readonly CancellationTokenRegistration following;
    private Task answering = Task.CompletedTask;

    /// <param name="failed">Hears what the task has registered and failed.</param>
    /// <param name="followed">The token to follow.</param>
    public TaskToken(Action<AggregateException> failed, CancellationToken followed)
    {
        var source = new CancellationTokenSource();
        Token = source.Token;
        // Whoever cancels may be a timer: the answer stays on the scheduler of the attempt.
        var scheduler = TaskScheduler.Current;
        following = followed.UnsafeRegister(_ => answering = Task.Factory.StartNew(Cancel, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler), null);

        void Cancel()
        {
            try
            {
                source.Cancel();
            }
            catch (AggregateException e)
            {
                failed(e);
            }
        }
    }

    public CancellationToken Token { get; }

    /// <summary>Follows no more.</summary>
    /// <returns>The task's answers to its cancellation: completed where there was none.</returns>
    public Task Detach()
    {
        following.Dispose();
        return answering;
    }
}
