using MantaLight.Broker.Flow;
using Microsoft.Extensions.Time.Testing;

namespace MantaLight.Integration.Tests.Brokers;

public sealed class PassingMemoryTests
{
    private readonly FakeTimeProvider time = new();
    private long living;
    private int collections;
    private TimeSpan pause;

    [Fact]
    public void What_has_passed_through_is_collected_each_time_that_the_budget_is_spent()
    {
        var memory = new PassingMemory(time, Collect);
        memory.Note(PassingMemory.LeastBudget - 1);
        Assert.Equal(0, collections);
        memory.Note(1);
        Assert.Equal(1, collections);
        memory.Note(PassingMemory.LeastBudget - 1);
        Assert.Equal(1, collections);
        memory.Note(1);
        Assert.Equal(2, collections);
    }

    [Fact]
    public void Where_much_lives_on_an_eighth_as_much_may_pass()
    {
        living = 16 * PassingMemory.LeastBudget;
        var memory = new PassingMemory(time, Collect);
        memory.Note(PassingMemory.LeastBudget);
        memory.Note((2 * PassingMemory.LeastBudget) - 1);
        Assert.Equal(1, collections);
        memory.Note(1);
        Assert.Equal(2, collections);
    }

    [Fact]
    public void A_long_collection_is_not_repeated_before_twenty_times_as_long()
    {
        pause = TimeSpan.FromMilliseconds(100);
        var memory = new PassingMemory(time, Collect);
        memory.Note(PassingMemory.LeastBudget);
        time.Advance(TimeSpan.FromMilliseconds(1999));
        memory.Note(PassingMemory.LeastBudget);
        Assert.Equal(1, collections);
        time.Advance(TimeSpan.FromMilliseconds(1));
        memory.Note(1);
        Assert.Equal(2, collections);
    }

    private long Collect()
    {
        collections++;
        time.Advance(pause);
        return living;
    }
}
