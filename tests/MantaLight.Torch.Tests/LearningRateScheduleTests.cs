using System.Text.Json;
using MantaLight.Tasks;

namespace MantaLight.Torch.Tests;

public class LearningRateScheduleTests
{
    private const int Rounds = 10;
    private const long Steps = 80;

    [Fact]
    public void A_cosine_spans_all_rounds_from_the_first_rate_to_the_last()
    {
        var schedule = Read("""{ "type": "cosine", "final_lr": 0.0005 }""");

        Assert.Equal(0.05, schedule.At(0.05, 1, Rounds, 0, Steps));
        Assert.Equal((0.05 + 0.0005) / 2, schedule.At(0.05, 6, Rounds, 0, Steps), 12);
        Assert.Equal(0.0005, schedule.At(0.05, 10, Rounds, Steps, Steps), 12);
        Assert.Equal(0.05, new LearningRateSchedule().At(0.05, 6, Rounds, 0, Steps));
    }

    [Fact]
    public void A_line_goes_down_step_by_step()
    {
        var schedule = Read("""{ "type": "linear", "final_lr": 0.2 }""");

        double[] rates = [schedule.At(1, 1, Rounds, 0, Steps), schedule.At(1, 6, Rounds, 0, Steps), schedule.At(1, 6, Rounds, 10, Steps), schedule.At(1, 10, Rounds, 80, Steps)];

        Assert.Equal(new[] { 1, 0.6, 0.59, 0.2 }, rates, Near);
    }

    [Theory]
    [InlineData("""{ "type": "step", "step_rounds": 3 }""", new[] { 1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001 })]
    [InlineData("""{ "type": "step", "step_rounds": 5, "gamma": 0.5 }""", new[] { 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5 })]
    [InlineData("""{ "type": "exponential", "gamma": 0.5 }""", new[] { 1, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625, 0.001953125 })]
    [InlineData("""{ "type": "list", "rates": [0.3, 0.2, 0.1] }""", new[] { 0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1 })]
    [InlineData("""{ "type": "exponential", "gamma": 0.5, "warmup_rounds": 2 }""", new[] { 1 / 160.0, 81 / 160.0, 1, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125 })]
    [InlineData("""{ "warmup_rounds": 1 }""", new[] { 1 / 80.0, 1, 1, 1, 1, 1, 1, 1, 1, 1 })]
    public void Others_change_from_round_to_round(string json, double[] atTheirFirstStep)
    {
        var schedule = Read(json);

        Assert.Equal(atTheirFirstStep, Enumerable.Range(1, Rounds).Select(round => schedule.At(1, round, Rounds, 0, Steps)), Near);
    }

    [Fact]
    public void A_rise_ends_at_the_rate_from_which_the_schedule_begins()
    {
        var schedule = Read("""{ "type": "cosine", "warmup_rounds": 2 }""");

        Assert.Equal(0.5, schedule.At(1, 1, Rounds, 79, Steps));
        Assert.Equal(1, schedule.At(1, 2, Rounds, 79, Steps));
        Assert.Equal(1, schedule.At(1, 3, Rounds, 0, Steps));
        Assert.Equal(0.5, schedule.At(1, 7, Rounds, 0, Steps), 12);
        Assert.Equal(0, schedule.At(1, 10, Rounds, 80, Steps), 12);
    }

    [Theory]
    [InlineData("""{ "type": "step" }""", "step_rounds is missing")]
    [InlineData("""{ "type": "exponential" }""", "gamma is missing")]
    [InlineData("""{ "type": "list" }""", "rates is missing")]
    [InlineData("""{ "type": "list", "rates": [0.1, 0] }""", "numbers above 0")]
    [InlineData("""{ "type": "list", "rates": [0.1], "warmup_rounds": 1 }""", "warmup_rounds is not possible with a list")]
    [InlineData("""{ "type": "cosine", "gamma": 0.5 }""", "gamma is for step and exponential")]
    [InlineData("""{ "type": "step", "step_rounds": 0 }""", "step_rounds is 0")]
    [InlineData("""{ "warmup_rounds": -1 }""", "warmup_rounds is -1")]
    public void What_does_not_go_together_is_refused(string json, string reason) =>
        Assert.Contains(reason, Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<LearningRateSchedule>(json, TaskJson.Options)).Message, StringComparison.Ordinal);

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-12;

    private static LearningRateSchedule Read(string json) => JsonSerializer.Deserialize<LearningRateSchedule>(json, TaskJson.Options)!;
}
