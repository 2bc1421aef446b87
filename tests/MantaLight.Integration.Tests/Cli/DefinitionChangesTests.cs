using System.Text;
using System.Text.Json.Nodes;
using MantaLight.Cli.Swarms;

namespace MantaLight.Integration.Tests.Cli;

public sealed class DefinitionChangesTests
{
    private const string Definition = """
        {
          "name": "s", "seed": 1, // a comment
          "globals": {
            "hyperparameters": { "epochs": 1, "optimizer_params": { "lr": 0.010, "momentum": 0.9 }, "schedule": { "momentum": 1 }, "note": null },
            "scale": 2
          },
          "rounds": { "quorum": 0.5 },
        }
        """;

    [Theory]
    [InlineData("hyperparameters.epochs=5", "hyperparameters.epochs", "5")]
    [InlineData("hyperparameters.optimizer_params.lr=0.02", "hyperparameters.optimizer_params.lr", "0.02")]
    [InlineData("hyperparameters.lr=0.02", "hyperparameters.optimizer_params.lr", "0.02")]
    [InlineData("lr=2e-2", "hyperparameters.optimizer_params.lr", "2e-2")]
    [InlineData("scale=[1,2]", "scale", "[1,2]")]
    [InlineData("hyperparameters.epochs=ten", "hyperparameters.epochs", "\"ten\"")]
    [InlineData("hyperparameters.epochs=a=b", "hyperparameters.epochs", "\"a=b\"")]
    [InlineData("hyperparameters.note=true", "hyperparameters.note", "true")]
    public void A_setting_lands_where_its_path_leads(string setting, string place, string value)
    {
        JsonNode? node = Apply(new DefinitionChanges([setting]))["globals"];
        foreach (var segment in place.Split('.'))
            node = node![segment];
        Assert.Equal(value, node!.ToJsonString());
    }

    [Fact]
    public void What_no_setting_names_stays_as_it_is_written()
    {
        var changed = Apply(new DefinitionChanges(["hyperparameters.epochs=5"]));
        Assert.Equal("0.010", changed["globals"]!["hyperparameters"]!["optimizer_params"]!["lr"]!.ToJsonString());
    }

    [Fact]
    public void An_unknown_path_is_refused_with_a_list_of_what_there_is()
    {
        var refusal = Assert.Throws<InvalidSettingException>(() => Apply(new DefinitionChanges(["hyperparameters.speed=1"])));
        Assert.Contains("no 'speed'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("hyperparameters.optimizer_params.lr", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("hyperparameters.note", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("scale", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_in_two_places_is_refused_with_both()
    {
        var refusal = Assert.Throws<InvalidSettingException>(() => Apply(new DefinitionChanges(["hyperparameters.momentum=1"])));
        Assert.Contains("hyperparameters.optimizer_params.momentum, hyperparameters.schedule.momentum", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hyperparameters.lr")]
    [InlineData("=1")]
    [InlineData("hyperparameters.epochs.deep=1")]
    [InlineData("hyperparameters..lr=1")]
    public void A_setting_that_is_none_is_refused(string setting) =>
        Assert.Throws<InvalidSettingException>(() => Apply(new DefinitionChanges([setting])));

    [Fact]
    public void Rounds_and_seed_change_their_own_members_only()
    {
        var changed = Apply(new DefinitionChanges([], Rounds: 3, Seed: ulong.MaxValue));
        Assert.Equal("""{"quorum":0.5,"maximum":3}""", changed["rounds"]!.ToJsonString());
        Assert.Equal("18446744073709551615", changed["seed"]!.ToJsonString());
    }

    private static JsonNode Apply(DefinitionChanges changes) => JsonNode.Parse(changes.ApplyTo(Encoding.UTF8.GetBytes(Definition)))!;
}
