using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Storage;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Nodes;

/// <summary>What error feedback keeps, and whether it counts.</summary>
public sealed class ResidualsTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-residuals-");
    private readonly FileDisk disk;
    private readonly Residuals residuals;

    public ResidualsTests()
    {
        disk = new FileDisk(folder.FullName);
        residuals = new Residuals(disk);
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
        residuals.Settle("s", Order(1), counted: true);
        Lose(2, 0.2f);
        residuals.Settle("s", Order(2), counted: false);
        Assert.Equal(0.1f, LostBefore(3));
    }

    [Fact]
    public void Of_what_counts_only_the_last_is_kept()
    {
        Lose(1, 0.1f);
        Lose(2, 0.2f);
        residuals.Settle("s", Order(2), counted: true);
        Assert.Single(disk.List("residuals"));
        residuals.Forget("s", but: "r-1");
        Assert.Single(disk.List("residuals"));
        residuals.Forget("s", but: "r-2");
        Assert.Empty(disk.List("residuals"));
        Lose(1, 0.1f);
        residuals.ForgetAllBut(new HashSet<string> { "s" });
        Assert.Single(disk.List("residuals"));
        residuals.ForgetAllBut(new HashSet<string>());
        Assert.Empty(disk.List("residuals"));
    }

    [Fact]
    public void What_the_disk_has_spoiled_costs_its_own_round_alone()
    {
        Lose(1, 0.1f);
        Lose(2, 0.2f);
        var file = Path.Combine(folder.FullName, disk.List("residuals")[1].Name);
        File.WriteAllBytes(file, [.. File.ReadAllBytes(file).Reverse()]);
        Assert.Equal(0.1f, LostBefore(3));
        Assert.Single(disk.List("residuals"));
    }

    private void Lose(int round, float value) => residuals.Write("s", Order(round), "model", Of(Floats("w", value)));

    private float? LostBefore(int round, string run = "r-1")
    {
        using var lost = residuals.Read("s", Order(round) with { Run = run }, "model");
        return lost?["w"].Span<float>()[0];
    }

    private static ScheduleAttempt Order(int round) => new() { Run = "r-1", Round = round, Alias = "worker" };
}
