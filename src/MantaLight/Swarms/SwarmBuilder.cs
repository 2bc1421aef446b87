using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.SecureAggregation;
using MantaLight.Tasks;
using MantaLight.Weights.Packing;

namespace MantaLight.Swarms;

/// <summary>Collects what a <see cref="Swarm"/> is made of. Nothing is checked before <see cref="Swarm.ToDefinition"/>, which reports all problems at once.</summary>
public sealed class SwarmBuilder
{
    private readonly List<TaskBuilder> tasks = [];
    private readonly ImmutableSortedDictionary<string, JsonElement>.Builder globals =
        ImmutableSortedDictionary.CreateBuilder<string, JsonElement>(StringComparer.Ordinal);

    private readonly ImmutableSortedDictionary<string, PackingPlan>.Builder codecs =
        ImmutableSortedDictionary.CreateBuilder<string, PackingPlan>(StringComparer.Ordinal);

    private string name;
    private string module;
    private ulong seed;
    private int threads = 1;
    private SecureOptions? secure;
    private TaskBuilder? setup;
    private RoundsDefinition rounds = new();

    internal SwarmBuilder(string name, string module)
    {
        this.name = name;
        this.module = module;
    }

    /// <summary>The swarm's id: 1 to 64 characters of <c>A-Za-z0-9_-</c>.</summary>
    public SwarmBuilder Name(string id)
    {
        name = id;
        return this;
    }

    /// <summary>The simple name of the assembly with the tasks, where it is not the swarm's own.</summary>
    public SwarmBuilder Module(string assembly)
    {
        module = assembly;
        return this;
    }

    /// <summary>Where all randomness of a run comes from: 0 (the default) to 2^53.</summary>
    public SwarmBuilder Seed(ulong value)
    {
        seed = value;
        return this;
    }

    /// <summary>Intra-op threads of each attempt's numeric library: 1 (the default) to 256.</summary>
    public SwarmBuilder Threads(int count)
    {
        threads = count;
        return this;
    }

    /// <summary>The first value of a global; the last one given for a tag counts.</summary>
    /// <param name="tag">1 to 64 characters of <c>A-Za-z0-9_-</c>.</param>
    /// <param name="value">Anything that serializes as JSON; its properties become snake_case keys.</param>
    /// <exception cref="TaskContractException">It cannot be written as JSON.</exception>
    public SwarmBuilder Global<T>(string tag, T value)
    {
        globals[tag] = TaskJson.Write(value);
        return this;
    }

    /// <summary>How the weights of a tag travel.</summary>
    /// <param name="tag">The tag of a result or a global.</param>
    /// <param name="steps">Such as <c>"delta", "int8", "zstd"</c>; see <see cref="PackingPlan"/>.</param>
    /// <exception cref="ArgumentException">A step is not known or out of place.</exception>
    public SwarmBuilder Codec(string tag, params string[] steps)
    {
        codecs[tag] = PackingPlan.Parse(steps, out var problem) ?? throw new ArgumentException($"The codec of '{tag}': {problem}.", nameof(steps));
        return this;
    }

    /// <summary>Sums the worker's weights without anybody seeing one node's; its stages are put among the tasks.</summary>
    public SwarmBuilder SecureAggregation(SecureOptions? options = null)
    {
        secure = options ?? new SecureOptions();
        return this;
    }

    /// <summary>The task that runs once, on one node, before round 1; exported in snake_case, as definitions in JSON name it.</summary>
    public TaskBuilder Setup<TTask>()
        where TTask : SwarmTask =>
        setup = new TaskBuilder(TaskDefinition.SetupAlias, JsonNamingPolicy.SnakeCaseLower.ConvertName(typeof(TTask).Name));

    /// <summary>Adds a task to the graph; a root until it is put after another.</summary>
    /// <param name="alias">Its name in the graph: 1 to 64 characters of <c>A-Za-z0-9_-</c>.</param>
    public TaskBuilder Task<TTask>(string alias)
        where TTask : SwarmTask
    {
        var task = new TaskBuilder(alias, typeof(TTask).Name);
        tasks.Add(task);
        return task;
    }

    /// <summary>How rounds begin, end and repeat; what is left out keeps its default.</summary>
    /// <param name="maximum">The last round that may run, 1 to 1,000,000; 100 by default.</param>
    /// <param name="deadline">How long each attempt may take, above zero and at most 7 days; 10 minutes by default.</param>
    /// <param name="quorum">How many of a task's nodes must complete for the round to go on at the deadline: a part of them above 0 and at most 1, or a whole number from 2; 1 by default, which is all.</param>
    /// <param name="retries">How many times a failed attempt is repeated, 0 to 100; 2 by default.</param>
    /// <param name="minimumNodes">How many nodes must be eligible before the swarm starts, 1 to 1,000,000; 1 by default.</param>
    /// <param name="onShortfall">What happens to a round that misses its quorum; <see cref="ShortfallPolicy.Stop"/> by default.</param>
    /// <param name="leaveOutAfter">In how many rounds in a row a node may fail before it is left out of some, 1 to 1000; 0 leaves nobody out; 2 by default.</param>
    /// <param name="adaptiveDeadline">A deadline that follows how long the task has taken of late; none by default.</param>
    public SwarmBuilder Rounds(
        int? maximum = null,
        TimeSpan? deadline = null,
        double? quorum = null,
        int? retries = null,
        int? minimumNodes = null,
        ShortfallPolicy? onShortfall = null,
        int? leaveOutAfter = null,
        AdaptiveDeadline? adaptiveDeadline = null)
    {
        rounds = new RoundsDefinition
        {
            Maximum = maximum ?? rounds.Maximum,
            Deadline = deadline ?? rounds.Deadline,
            AdaptiveDeadline = adaptiveDeadline ?? rounds.AdaptiveDeadline,
            Quorum = quorum ?? rounds.Quorum,
            OnShortfall = onShortfall ?? rounds.OnShortfall,
            Retries = retries ?? rounds.Retries,
            LeaveOutAfter = leaveOutAfter ?? rounds.LeaveOutAfter,
            MinimumNodes = minimumNodes ?? rounds.MinimumNodes,
        };
        return this;
    }

    internal SwarmDefinition Build() => new()
    {
        Name = name,
        Module = module,
        Seed = seed,
        Threads = threads,
        Globals = globals.ToImmutable(),
        Codecs = codecs.ToImmutable(),
        SecureAggregation = secure,
        Setup = setup?.Build(),
        Tasks = [.. tasks.Select(t => t.Build())],
        Rounds = rounds,
    };
}
