namespace MantaLight.Simulation;

/// <summary>The runner of long hunts: what it says last, and how it exits.</summary>
[Collection(nameof(Alone))]
public sealed class HuntTests : IDisposable
{
    private readonly StringWriter output = new();

    public void Dispose() => output.Dispose();

    private string LastLine => output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries)[^1];

    [Fact]
    public void Histories_without_a_violation_end_with_their_number_and_0()
    {
        Assert.Equal(0, Run("--first-seed", "7", "--seeds", "3"));
        Assert.Equal("3 histories, 0 violations", LastLine);
    }

    [Fact]
    public void A_violation_is_told_with_its_seed_and_how_to_replay_it_and_ends_with_1()
    {
        Assert.Equal(1, Run("--first-seed", "1", "--seeds", "40", "--mutation", "NoDedupe"));
        Assert.Matches("^40 histories, [1-9][0-9]* violations$", LastLine);
        var seed = System.Text.RegularExpressions.Regex.Match(output.ToString(), "^seed ([0-9]+): ", System.Text.RegularExpressions.RegexOptions.Multiline).Groups[1].Value;
        Assert.Contains($"--first-seed {seed} --seeds 1 --trace --mutation NoDedupe", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_check_that_throws_is_a_violation_and_does_not_end_the_hunt()
    {
        var outcomes = new List<Outcome>();
        Batch.Run(1, 4, 2, plan => plan.Seed == 2 ? throw new InvalidOperationException("unexpected") : plan, outcome =>
        {
            outcomes.Add(outcome);
            return true;
        });
        Assert.Equal([1, 2, 3, 4], outcomes.Select(o => o.Seed).Order());
        Assert.Contains("unexpected", Assert.Single(outcomes, o => o.Violation is not null).Violation, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--seeds", "0")]
    [InlineData("--seeds")]
    [InlineData("--mutation", "None of them")]
    [InlineData("--what")]
    public void What_it_does_not_understand_it_names(params string[] args)
    {
        Assert.False(HuntArguments.TryRead(args, out _, out var problem));
        Assert.Contains(args[0], problem, StringComparison.Ordinal);
    }

    private int Run(params string[] args)
    {
        Assert.True(HuntArguments.TryRead(args, out var arguments, out var problem), problem);
        return new Hunt(arguments, output).Run();
    }
}
