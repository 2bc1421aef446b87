using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Tasks;

namespace MantaLight.Swarms;

/// <summary>A task of a <see cref="SwarmBuilder"/>: where it runs and after which others.</summary>
public sealed class TaskBuilder
{
    private TaskDefinition task;

    internal TaskBuilder(string alias, string type) => task = new TaskDefinition { Alias = alias, Type = type };

    /// <summary>Runs on every eligible node.</summary>
    public TaskBuilder OnAll() => With(task with { Method = PlacementMethod.All, Maximum = null });

    /// <summary>Runs on every eligible node, but on no more than that many.</summary>
    /// <param name="maximum">At least 1.</param>
    public TaskBuilder OnAll(int maximum) => With(task with { Method = PlacementMethod.All, Maximum = new TaskMaximum(maximum, 0) });

    /// <summary>Runs on a part of the eligible nodes, at least on one.</summary>
    /// <param name="part">Above 0, at most 1.</param>
    public TaskBuilder OnAll(double part) => With(task with { Method = PlacementMethod.All, Maximum = new TaskMaximum(0, part) });

    /// <summary>Runs on that many eligible nodes, chosen by the coordinator.</summary>
    /// <param name="maximum">At least 1.</param>
    public TaskBuilder OnAny(int maximum = 1) => With(task with { Method = PlacementMethod.Any, Maximum = new TaskMaximum(maximum, 0) });

    /// <summary>Runs on a part of the eligible nodes, chosen by the coordinator; at least on one.</summary>
    /// <param name="part">Above 0, at most 1.</param>
    public TaskBuilder OnAny(double part) => With(task with { Method = PlacementMethod.Any, Maximum = new TaskMaximum(0, part) });

    /// <summary>The nodes of the first round keep it as long as they are present.</summary>
    public TaskBuilder Fixed() => With(task with { Fixed = true });

    /// <summary>Only these nodes are eligible.</summary>
    public TaskBuilder OnlyOn(params ReadOnlySpan<string> nodeIds) => With(task with { SpecifiedIds = [.. task.SpecifiedIds, .. nodeIds] });

    /// <summary>These nodes are not eligible.</summary>
    public TaskBuilder NotOn(params ReadOnlySpan<string> nodeIds) => With(task with { ExceptedIds = [.. task.ExceptedIds, .. nodeIds] });

    /// <summary>An eligible node maps these data sets.</summary>
    public TaskBuilder Needs(params ReadOnlySpan<string> datasets) => With(task with { Datasets = [.. task.Datasets, .. datasets] });

    /// <summary>An eligible node has a GPU.</summary>
    public TaskBuilder NeedsGpu() => With(task with { Gpu = true });

    /// <summary>An eligible node has these tags.</summary>
    public TaskBuilder Tagged(params ReadOnlySpan<string> tags) => With(task with { Tags = [.. task.Tags, .. tags] });

    /// <summary>Takes part without a barrier: its part of a round is over when so many records have come, and attempts under way go on.</summary>
    /// <param name="buffer">How many records, 1 to 256.</param>
    /// <param name="maximumStaleness">How many rounds later than it began an attempt may still count, 0 to 50.</param>
    public TaskBuilder Asynchronously(int buffer = 10, int maximumStaleness = 20) => With(task with { Asynchronous = new AsynchronousDefinition(buffer, maximumStaleness) });

    /// <summary>The task's own options, of the type that its <c>[TaskOptions]</c> names.</summary>
    /// <exception cref="TaskContractException">They cannot be written as JSON.</exception>
    public TaskBuilder Options<T>(T options)
        where T : notnull => With(task with { Options = TaskJson.Write(options) });

    /// <summary>Starts when all of these are committed, and reads their results.</summary>
    public TaskBuilder After(params ReadOnlySpan<TaskBuilder> tasks)
    {
        var after = task.After.ToBuilder();
        foreach (var before in tasks)
            after.Add(before.task.Alias);
        return With(task with { After = after.DrainToImmutable() });
    }

    /// <summary>Puts <paramref name="next"/> after this task.</summary>
    /// <returns><paramref name="next"/>, so that a chain reads as the flow of work; call it twice on one task to fan out.</returns>
    public TaskBuilder Then(TaskBuilder next) => next.After(this);

    internal TaskDefinition Build() => task;

    private TaskBuilder With(TaskDefinition changed)
    {
        task = changed;
        return this;
    }
}
