using System.Text;
using System.Text.Json;
using MantaLight.Swarms;

namespace MantaLight.Tests.Swarms;

/// <summary>Definitions for tests, and what it means that two are the same.</summary>
internal static class Definitions
{
    public const string Mnist = """
        { "name": "mnist", "module": "MantaLight.Examples.Mnist", "seed": 42,
          "globals": { "hyperparameters": { "epochs": 1, "batch_size": 32, "loss": "CrossEntropyLoss",
              "optimizer": "SGD", "optimizer_params": { "lr": 0.010, "momentum": 0.9 }, "val_acc_threshold": 0.99 } },
          "setup": "initial_model",
          "tasks": [
            { "alias": "worker", "type": "Worker", "method": "all", "datasets": ["mnist"] },
            { "alias": "aggregator", "type": "FedAvg", "method": "any", "maximum": 1, "fixed": true, "after": ["worker"] },
            { "alias": "test", "type": "Test", "method": "all", "datasets": ["mnist"], "after": ["aggregator"] },
            { "alias": "scheduler", "type": "Scheduler", "method": "any", "maximum": 1, "after": ["test"] } ],
          "rounds": { "maximum": 50, "deadline": "00:05:00", "quorum": 1.0 } }
        """;

    public static SwarmDefinition Parse(string json) => SwarmJson.Parse(Encoding.UTF8.GetBytes(json));

    /// <summary>A definition whose only task has these further members.</summary>
    public static string WithTask(string members) => $$"""{"name":"s","module":"M","tasks":[{"alias":"a","type":"A",{{members}}}]}""";

    /// <summary>A definition with these further members at the top.</summary>
    public static string With(string members) => $$"""{"name":"s","module":"M","tasks":[{"alias":"a","type":"A"}],{{members}}}""";

    /// <summary>Compares by content, member by member, not by the JSON that is written.</summary>
    public static void AssertSame(SwarmDefinition expected, SwarmDefinition actual)
    {
        Assert.Equal((expected.Name, expected.Module, expected.Seed, expected.Threads), (actual.Name, actual.Module, actual.Seed, actual.Threads));
        Assert.Equal(expected.Rounds, actual.Rounds);
        Assert.Equal(expected.Globals.Keys, actual.Globals.Keys);
        foreach (var (tag, value) in expected.Globals)
            Assert.True(JsonElement.DeepEquals(value, actual.Globals[tag]), tag);
        Assert.Equal(expected.Setup is null, actual.Setup is null);
        if (expected.Setup is { } setup)
            AssertSame(setup, actual.Setup!);
        Assert.Equal(expected.Tasks.Length, actual.Tasks.Length);
        foreach (var (task, other) in expected.Tasks.Zip(actual.Tasks))
            AssertSame(task, other);
    }

    private static void AssertSame(TaskDefinition expected, TaskDefinition actual)
    {
        Assert.Equal(
            (expected.Alias, expected.Type, expected.Method, expected.Maximum, expected.Fixed, expected.Gpu),
            (actual.Alias, actual.Type, actual.Method, actual.Maximum, actual.Fixed, actual.Gpu));
        Assert.Equal(expected.SpecifiedIds.AsEnumerable(), actual.SpecifiedIds);
        Assert.Equal(expected.ExceptedIds.AsEnumerable(), actual.ExceptedIds);
        Assert.Equal(expected.Datasets.AsEnumerable(), actual.Datasets);
        Assert.Equal(expected.Tags.AsEnumerable(), actual.Tags);
        Assert.Equal(expected.After.AsEnumerable(), actual.After);
        Assert.Equal(expected.Options.ValueKind, actual.Options.ValueKind);
        if (expected.Options.ValueKind != JsonValueKind.Undefined)
            Assert.True(JsonElement.DeepEquals(expected.Options, actual.Options), expected.Alias);
    }
}
