using MantaLight.Nodes;

namespace MantaLight.Tests.Nodes;

/// <summary>A node's places, and tasks that go on when theirs should be others'.</summary>
public sealed class AttemptSlotsTests
{
    [Fact]
    public async Task As_many_tasks_as_there_are_places_leave_them_and_those_after_them_keep_theirs_until_they_end()
    {
        var slots = new AttemptSlots(1);
        TaskCompletionSource[] goesOn = [new(), new(), new()];
        slots.Abandon(await EnterAsync(slots), goesOn[0].Task);
        slots.Abandon(await EnterAsync(slots), goesOn[1].Task);
        var waiting = EnterAsync(slots);
        Assert.False(waiting.IsCompleted);
        goesOn[1].SetException(new InvalidOperationException("whatever"));
        slots.Abandon(await waiting, goesOn[2].Task);
        waiting = EnterAsync(slots);
        Assert.False(waiting.IsCompleted);
        goesOn[2].SetResult();
        using (await waiting)
            goesOn[0].SetResult();
        slots.Abandon(await EnterAsync(slots), Task.CompletedTask);
        using (await EnterAsync(slots))
        {
        }
    }

    private static Task<IDisposable> EnterAsync(AttemptSlots slots) => slots.EnterAsync(TestContext.Current.CancellationToken);
}
