using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace MantaLight.Swarms;

/// <summary>JSON to definition, with every problem that there is.</summary>
internal sealed partial class SwarmReader
{
    private const long MaximumSeed = 1L << 53;
    private const int MaximumTasks = 256;
    internal const int MaximumCount = 1_000_000;

    private static readonly string[] TaskKeys =
        ["alias", "type", "method", "maximum", "fixed", "specified_ids", "excepted_ids", "datasets", "gpu", "tags", "after", "asynchronous", "options"];

    private static readonly string[] SetupKeys = [.. TaskKeys.Except(["alias", "after", "asynchronous"])];

    private readonly SwarmProblems problems = new();

    private SwarmReader()
    {
    }

    public static SwarmDefinition Read(ReadOnlyMemory<byte> utf8)
    {
        var reader = new SwarmReader();
        using var document = reader.ParseText(utf8);
        var definition = reader.ReadDefinition(document.RootElement);
        reader.problems.ThrowIfAny();
        return definition!;
    }

    /// <summary>A limit that is what its absence means becomes null: one for <c>any</c>, all of them for <c>all</c>.</summary>
    public static TaskMaximum? WithoutDefault(TaskMaximum? maximum, PlacementMethod method) => (method, maximum) switch
    {
        (PlacementMethod.Any, { Count: 1 }) => null,
        (PlacementMethod.All, { Count: 0, Fraction: 1 }) => null,
        _ => maximum,
    };

    private JsonDocument ParseText(ReadOnlyMemory<byte> utf8)
    {
        if (utf8.Length > SwarmJson.MaximumBytes)
            problems.Add("$", $"found {utf8.Length} bytes, expected at most {SwarmJson.MaximumBytes}");
        else if (!Utf8.IsValid(utf8.Span))
            problems.Add("$", "found bytes that are not UTF-8, expected UTF-8 text");
        problems.ThrowIfAny();
        if (utf8.Span.StartsWith("\uFEFF"u8))
            utf8 = utf8[3..];
        try
        {
            return JsonDocument.Parse(utf8, new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
                MaxDepth = SwarmJson.MaximumDepth,
            });
        }
        catch (JsonException e)
        {
            var reason = e.Message.Split(" LineNumber:", 2)[0];
            problems.Add("$", $"not JSON at line {e.LineNumber + 1}, position {e.BytePositionInLine + 1}: {reason}");
            problems.ThrowIfAny(e);
            throw;
        }
    }

    private SwarmDefinition? ReadDefinition(JsonElement root)
    {
        if (!JsonPath.CheckText(root, "$", problems))
            problems.ThrowIfAny();
        var json = JsonObjectReader.Open(root, "$", problems, "name", "module", "seed", "threads", "globals", "codecs", "secure_aggregation", "setup", "tasks", "rounds", "start");
        if (json is null)
            return null;
        var name = json.RequiredId("name", "the swarm's id");
        var module = json.RequiredText("module", ModulePattern, "the simple name of the assembly with the tasks: letters, digits, _ . - and no path");
        var definition = new SwarmDefinition
        {
            Name = name ?? "",
            Module = module ?? "",
            Seed = (ulong)(json.Integer("seed", 0, MaximumSeed) ?? 0),
            Threads = (int)(json.Integer("threads", 1, 256) ?? 1),
            Globals = ReadGlobals(json),
            Codecs = CodecsReader.Read(json, problems),
            SecureAggregation = SecureReader.Read(json, problems),
            Setup = ReadSetup(json),
            Tasks = ReadTasks(json),
            Rounds = RoundsReader.Read(json, problems),
            Start = StartReader.Read(json, problems),
        };
        definition = SecureTasks.Expand(definition, problems);
        SwarmRules.CheckGraph(definition.Tasks, problems);
        SwarmRules.CheckStart(definition, problems);
        SwarmRules.CheckAsynchronous(definition, problems);
        return definition;
    }

    private ImmutableSortedDictionary<string, JsonElement> ReadGlobals(JsonObjectReader json)
    {
        var globals = ImmutableSortedDictionary.CreateBuilder<string, JsonElement>(StringComparer.Ordinal);
        if (!json.TryGet("globals", out var value))
            return globals.ToImmutable();
        if (value.ValueKind != JsonValueKind.Object)
        {
            problems.Add(json.PathOf("globals"), $"found {JsonPath.Describe(value)}, expected an object of values by tag");
            return globals.ToImmutable();
        }
        foreach (var global in value.EnumerateObject())
        {
            if (!JsonObjectReader.IsId(global.Name))
                problems.Add(JsonPath.Of(json.PathOf("globals"), global.Name), "is not a tag, expected 1 to 64 characters of A-Za-z0-9_-");
            if (global.Value.ValueKind == JsonValueKind.Null)
                problems.Add(JsonPath.Of(json.PathOf("globals"), global.Name), "found null, expected a value: null cannot be shared; leave the global out");
            globals[global.Name] = global.Value.Clone();
        }
        return globals.ToImmutable();
    }

    private TaskDefinition? ReadSetup(JsonObjectReader json)
    {
        if (!json.TryGet("setup", out var value))
            return null;
        var path = json.PathOf("setup");
        if (value.ValueKind is not (JsonValueKind.String or JsonValueKind.Object))
        {
            problems.Add(path, $"found {JsonPath.Describe(value)}, expected the type of a task, or an object with the keys {string.Join(", ", SetupKeys)}");
            return null;
        }
        if (value.ValueKind == JsonValueKind.String)
            return new TaskDefinition { Alias = TaskDefinition.SetupAlias, Type = json.Text(value, path, TypePattern, TypeRule) ?? "" };
        var task = ReadTask(JsonObjectReader.Open(value, path, problems, SetupKeys)!, TaskDefinition.SetupAlias);
        if (task.Method != PlacementMethod.Any || task.Maximum is not null)
            problems.Add(path, "is placed on several nodes, expected method 'any' and maximum 1: setup runs once, on one node");
        return task;
    }

    private ImmutableArray<TaskDefinition> ReadTasks(JsonObjectReader json)
    {
        const string expected = "a list of 1 to 256 tasks";
        if (json.Required("tasks", expected) is not { } value)
            return [];
        var path = json.PathOf("tasks");
        if (value.ValueKind != JsonValueKind.Array)
        {
            problems.Add(path, $"found {JsonPath.Describe(value)}, expected {expected}");
            return [];
        }
        if (value.GetArrayLength() is 0 or > MaximumTasks)
        {
            problems.Add(path, $"found {value.GetArrayLength()} tasks, expected {expected}");
            return [];
        }
        var tasks = ImmutableArray.CreateBuilder<TaskDefinition>(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
        {
            // One that is no object keeps its place, so that paths of later problems stay right.
            var task = JsonObjectReader.Open(item, $"{path}[{tasks.Count}]", problems, TaskKeys);
            tasks.Add(task is null
                ? new TaskDefinition { Alias = "", Type = "" }
                : ReadTask(task, task.RequiredId("alias", "the task's name in the graph") ?? ""));
        }
        return tasks.DrainToImmutable();
    }

    private TaskDefinition ReadTask(JsonObjectReader json, string alias)
    {
        var type = json.RequiredText("type", TypePattern, TypeRule);
        var method = ReadMethod(json);
        var task = new TaskDefinition
        {
            Alias = alias,
            Type = type ?? "",
            Method = method,
            Maximum = WithoutDefault(ReadMaximum(json), method),
            Fixed = json.Flag("fixed"),
            SpecifiedIds = json.Ids("specified_ids", "node id"),
            ExceptedIds = json.Ids("excepted_ids", "node id"),
            Datasets = json.Ids("datasets", "data set"),
            Gpu = json.Flag("gpu"),
            Tags = json.Ids("tags", "tag"),
            After = alias == TaskDefinition.SetupAlias ? [] : json.Ids("after", "alias"),
            Asynchronous = alias == TaskDefinition.SetupAlias ? null : AsynchronousDefinition.Read(json, problems),
            Options = ReadOptions(json),
        };
        foreach (var both in task.SpecifiedIds.Intersect(task.ExceptedIds, StringComparer.Ordinal).Where(id => id.Length > 0))
            problems.Add(json.PathOf("excepted_ids"), $"'{both}' is also in specified_ids, expected it in one of the two");
        return task;
    }

    private PlacementMethod ReadMethod(JsonObjectReader json)
    {
        if (!json.TryGet("method", out var value))
            return PlacementMethod.Any;
        if (value.ValueKind == JsonValueKind.String && value.ValueEquals("all"u8))
            return PlacementMethod.All;
        if (value.ValueKind != JsonValueKind.String || !value.ValueEquals("any"u8))
            problems.Add(json.PathOf("method"), $"found {JsonPath.Describe(value)}, expected 'any' or 'all'");
        return PlacementMethod.Any;
    }

    private TaskMaximum? ReadMaximum(JsonObjectReader json)
    {
        if (!json.TryGet("maximum", out var value))
            return null;
        if (JsonPath.IsIntegerToken(value))
        {
            if (value.TryGetInt32(out var count) && count is >= 1 and <= MaximumCount)
                return new TaskMaximum(count, 0);
        }
        else if (value.ValueKind == JsonValueKind.Number && value.GetDouble() is > 0 and <= 1 and var fraction)
        {
            return new TaskMaximum(0, fraction);
        }
        problems.Add(json.PathOf("maximum"),
            $"found {JsonPath.Describe(value)}, expected a number of nodes from 1 to {MaximumCount} (an integer) or a part of them above 0 and at most 1 (with a point, as 0.5)");
        return null;
    }

    private JsonElement ReadOptions(JsonObjectReader json)
    {
        if (!json.TryGet("options", out var value))
            return default;
        if (value.ValueKind != JsonValueKind.Object)
            problems.Add(json.PathOf("options"), $"found {JsonPath.Describe(value)}, expected an object with the task's options");
        else if (value.GetPropertyCount() > 0)
            return value.Clone();
        return default;
    }

    private const string TypeRule = "the name of a task's class: a letter or _, then at most 127 letters, digits or _";

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_]{0,127}\z")]
    private static partial Regex TypePattern { get; }

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\z")]
    private static partial Regex ModulePattern { get; }
}
