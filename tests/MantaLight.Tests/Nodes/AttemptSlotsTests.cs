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

    [Fact]
    public async Task Who_keeps_its_place_does_not_count_against_those_who_leave_theirs()
    {
        var slots = new AttemptSlots(2);
        TaskCompletionSource[] goesOn = [new(), new(), new(), new()];
        for (var i = 0; i < 3; i++)
            slots.Abandon(await EnterAsync(slots), goesOn[i].Task);
        goesOn[0].SetResult();
        // The third has one of the two places, and one of the first two has left its own: one more may.
        slots.Abandon(await EnterAsync(slots), goesOn[3].Task);
        using (await EnterAsync(slots))
            Assert.False(EnterAsync(slots).IsCompleted);
    }

    private static Task<IDisposable> EnterAsync(AttemptSlots slots) => slots.EnterAsync(TestContext.Current.CancellationToken);
}
