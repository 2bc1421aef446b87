namespace MantaLight.Simulation;

/// <summary>A request that waits for the broker's answer.</summary>
internal sealed class Answer(Link over, TimeSpan asked, bool isPublish) : TaskCompletionSource
{
    public Link Over => over;

    public TimeSpan Asked => asked;

    /// <summary>Whether it takes a place in the window.</summary>
    public bool IsPublish => isPublish;
}

/// <summary>The requests of a connection that the broker has not answered yet; never more publishes than the window are under way.</summary>
internal sealed class Answers(int window, Func<Exception> down)
{
    private readonly List<Answer> open = [];
    private readonly Queue<(Answer Answer, Action Send)> waiting = new();
    private TaskCompletionSource? none;
    private int publishes;

    /// <summary>Sends a request now, or a publish as soon as the window has room.</summary>
    public void Ask(Answer answer, Action send)
    {
        if (answer.IsPublish && publishes >= window)
            waiting.Enqueue((answer, send));
        else
            Begin(answer, send);
    }

    public void Came(Answer answer)
    {
        if (!open.Remove(answer))
            return;
        if (answer.IsPublish)
            publishes--;
        answer.TrySetResult();
        while (publishes < window && waiting.TryDequeue(out var next))
        {
            // Its caller may have gone, and taken the payload's memory along.
            if (!next.Answer.Task.IsCompleted)
                Begin(next.Answer, next.Send);
        }
        CheckNone();
    }

    /// <summary>The link is down: nothing will be answered any more.</summary>
    public void Fail()
    {
        foreach (var answer in open.Concat(waiting.Select(w => w.Answer)).ToArray())
        {
            answer.TrySetException(down());
            // Whoever has stopped waiting need not hear of it.
            _ = answer.Task.Exception;
        }
        open.Clear();
        waiting.Clear();
        publishes = 0;
        CheckNone();
    }

    /// <summary>Gives up a link that has owed an answer for too long.</summary>
    public void CheckStalled(TimeSpan now, TimeSpan patience) =>
        open.Find(answer => now - answer.Asked >= patience)?.Over.Stalled("no acknowledgement");

    /// <summary>Waits until nothing is open.</summary>
    public Task WhenNoneAsync()
    {
        none ??= new TaskCompletionSource();
        var task = none.Task;
        CheckNone();
        return task;
    }

    private void Begin(Answer answer, Action send)
    {
        open.Add(answer);
        if (answer.IsPublish)
            publishes++;
        send();
    }

    private void CheckNone()
    {
        if (open.Count > 0 || waiting.Count > 0)
            return;
        none?.TrySetResult();
        none = null;
    }
}
