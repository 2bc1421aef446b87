using MantaLight.Concurrency;

namespace MantaLight.Tests.Concurrency;

public sealed class SignalTests
{
    [Fact]
    public async Task What_was_said_before_ends_the_next_wait_and_that_alone()
    {
        var signal = new Signal();
        signal.Set();
        signal.Set();
        await signal.WaitAsync();
        var second = signal.WaitAsync().AsTask();
        Assert.False(second.IsCompleted);
        signal.Set();
        await second;
        Assert.False(signal.WaitAsync().AsTask().IsCompleted);
    }

    [Fact]
    public async Task No_word_is_lost_however_close_it_comes()
    {
        const int Words = 200_000;
        var (there, back) = (new Signal(), new Signal());
        var (asked, answered) = (0, 0);
        var answering = Task.Run(async () =>
        {
            while (Volatile.Read(ref answered) < Words)
            {
                await there.WaitAsync();
                Volatile.Write(ref answered, Volatile.Read(ref asked));
                back.Set();
            }
        }, TestContext.Current.CancellationToken);
        var asking = Task.Run(async () =>
        {
            for (var i = 1; i <= Words; i++)
            {
                Volatile.Write(ref asked, i);
                there.Set();
                // Now and then many words before one wait.
                while ((i % 3 == 0 || i == Words) && Volatile.Read(ref answered) < i)
                    await back.WaitAsync();
            }
        }, TestContext.Current.CancellationToken);
        // One that is lost would be waited for without end.
        await Task.WhenAll(asking, answering).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.Equal(Words, answered);
    }
}
