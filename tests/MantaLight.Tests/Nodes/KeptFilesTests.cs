using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Storage;
using MantaLight.Tasks;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Nodes;

/// <summary>What a node keeps for itself, and whether it counts.</summary>
public sealed class KeptFilesTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-kept-");
    private readonly FileDisk disk;
    private KeptFiles kept;

    public KeptFilesTests()
    {
        disk = new FileDisk(folder.FullName);
        kept = new KeptFiles(disk, TimeProvider.System);
    }

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void A_round_makes_up_for_what_the_last_one_before_it_has_lost()
    {
        Lose(1, 0.1f);
        Lose(2, 0.2f);
        Assert.Equal(0.1f, LostBefore(2));
        Assert.Equal(0.2f, LostBefore(3));
        Assert.Equal(0.2f, LostBefore(9));
        Assert.Null(LostBefore(1));
        Assert.Null(LostBefore(3, run: "r-2"));
    }

    [Fact]
    public void What_a_contribution_has_lost_that_did_not_count_is_forgotten()
    {
        Lose(1, 0.1f);
        kept.Settle("s", Order(1), counted: true);
        Lose(2, 0.2f);
        kept.Settle("s", Order(2), counted: false);
        Assert.Equal(0.1f, LostBefore(3));
    }

    [Fact]
    public void Of_what_counts_only_the_last_is_kept()
    {
        Lose(1, 0.1f);
        Lose(2, 0.2f);
        kept.Settle("s", Order(2), counted: true);
        Assert.Single(disk.List("kept"));
        kept.Forget("s", "r-1");
        Assert.Single(disk.List("kept"));
        kept.Forget("s", "r-2");
        Assert.Empty(disk.List("kept"));
        Lose(1, 0.1f);
        kept.Settle("s", Order(1), counted: true);
        kept.Restore(new HashSet<string> { "s" }, []);
        Assert.Single(disk.List("kept"));
        kept.Restore(new HashSet<string>(), []);
        Assert.Empty(disk.List("kept"));
    }

    [Fact]
    public void Of_what_an_earlier_process_has_left_that_counts_whose_attempt_had_completed()
    {
        Lose(1, 0.1f);
        kept.Settle("s", Order(1), counted: true);
        Lose(2, 0.2f);
        kept = new KeptFiles(disk, TimeProvider.System);
        kept.Restore(new HashSet<string> { "s" }, [new JournalEntry("s", Order(2), new TaskCompleted())]);
        Assert.Equal(0.2f, LostBefore(3));
        kept = new KeptFiles(disk, TimeProvider.System);
        kept.Restore(new HashSet<string> { "s" }, [new JournalEntry("s", Order(1), new TaskCompleted())]);
        Assert.Equal(0.1f, LostBefore(3));
        Assert.Single(disk.List("kept"));
    }

    [Fact]
    public void What_an_attempt_has_set_that_is_under_way_is_read_by_nobody()
    {
        Lose(1, 0.1f);
        kept.Write("s", Order(2), "model", Of(Floats("w", 0.2f)));
        Assert.Equal(0.1f, LostBefore(3));
        kept.Complete("s", Order(2));
        Assert.Equal(0.2f, LostBefore(3));
    }

    [Fact]
    public async Task Who_reads_before_it_is_known_whether_a_record_counted_waits_for_the_word()
    {
        Lose(1, 0.1f);
        kept.Settle("s", Order(1), counted: true);
        Lose(2, 0.2f);
        var reading = kept.ReadAsync("s", Order(3), "model", new HashSet<string>(), TestContext.Current.CancellationToken);
        Assert.False(reading.IsCompleted);
        kept.Settle("s", Order(2), counted: false);
        using var read = await reading;
        Assert.Equal(0.1f, read!["w"].Span<float>()[0]);
    }

    [Fact]
    public async Task Who_never_hears_the_word_goes_on_after_a_while_as_if_it_had_counted()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        kept = new KeptFiles(disk, time);
        Lose(1, 0.1f);
        var reading = kept.ReadAsync("s", Order(2), "model", new HashSet<string>(), TestContext.Current.CancellationToken);
        Assert.False(reading.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(5));
        using var read = await reading;
        Assert.Equal(0.1f, read!["w"].Span<float>()[0]);
    }

    [Fact]
    public void A_name_is_one_task_s()
    {
        Lose(1, 0.1f);
        Assert.Contains("'model' is what task 'worker' keeps", Assert.Throws<TaskContractException>(() => kept.Write("s", Order(1) with { Alias = "test" }, "model", Of(Floats("w", 1)))).Message, StringComparison.Ordinal);
        for (var i = 1; i < LocalState.MaximumNames; i++)
            kept.Write("s", Order(1), $"n{i}", Of(Floats("w", 1)));
        Assert.Throws<TaskContractException>(() => kept.Write("s", Order(1), "more", Of(Floats("w", 1))));
        // Another run has its own.
        kept.Write("s", Order(1) with { Run = "r-2" }, "more", Of(Floats("w", 1)));
    }

    [Fact]
    public void What_the_disk_has_spoiled_costs_its_own_round_alone()
    {
        Lose(1, 0.1f);
        Lose(2, 0.2f);
        var file = Path.Combine(folder.FullName, disk.List("kept")[1].Name);
        File.WriteAllBytes(file, [.. File.ReadAllBytes(file).Reverse()]);
        Assert.Equal(0.1f, LostBefore(3));
        Assert.Single(disk.List("kept"));
    }

    private void Lose(int round, float value)
    {
        kept.Write("s", Order(round), "model", Of(Floats("w", value)));
        kept.Complete("s", Order(round));
    }

    private float? LostBefore(int round, string run = "r-1")
    {
        using var lost = kept.Read("s", Order(round) with { Run = run }, "model");
        return lost?["w"].Span<float>()[0];
    }

    private static ScheduleAttempt Order(int round) => new() { Run = "r-1", Round = round, Alias = "worker" };
}
