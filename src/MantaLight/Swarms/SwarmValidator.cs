using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using MantaLight.Diagnostics;
using MantaLight.SecureAggregation;
using MantaLight.Tasks;

namespace MantaLight.Swarms;

/// <summary>Checks a definition against the tasks of its module: what <see cref="SwarmJson"/> cannot know.</summary>
public static class SwarmValidator
{
    private static readonly JsonSerializerOptions Strict = new(TaskJson.Options)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
    };

    /// <summary>Checks every task's type and options.</summary>
    /// <exception cref="InvalidSwarmException">There are unknown types, or unknown or mistyped options; the message lists all of them with their JSON path.</exception>
    public static void Check(SwarmDefinition definition, TaskCatalog catalog)
    {
        var problems = new SwarmProblems();
        if (definition.Setup is { } setup)
            CheckTask(setup, "$.setup", catalog, problems);
        for (var i = 0; i < definition.Tasks.Length; i++)
            CheckTask(definition.Tasks[i], $"$.tasks[{i}]", catalog, problems);
        CheckSecure(definition, catalog, problems);
        problems.ThrowIfAny();
        for (var i = 0; i < definition.Tasks.Length; i++)
            CheckCombining(definition, i, catalog, problems);
        problems.ThrowIfAny();
    }

    /// <summary>Behind a task without a barrier come differences of different age.</summary>
    private static void CheckCombining(SwarmDefinition definition, int index, TaskCatalog catalog, SwarmProblems problems)
    {
        var task = definition.Tasks[index];
        var before = definition.Tasks.FirstOrDefault(t => t.Asynchronous is not null && task.After.Contains(t.Alias));
        if (before is null || TaskCatalog.OptionsOf(catalog.Resolve(task.Type)) is not { } type || !type.IsAssignableTo(typeof(ICombiningOptions)))
            return;
        var json = task.Options.ValueKind == JsonValueKind.Undefined ? JsonElement.Parse("{}"u8) : task.Options;
        var options = (ICombiningOptions)json.Deserialize(type, Strict)!;
        if (options.Misfit is { } misfit)
            problems.Add($"$.tasks[{index}]", $"task '{before.Alias}' before it is asynchronous, and {misfit}");
        else if (options.Global != Differences.GlobalOf(options.Contributions))
            problems.Add($"$.tasks[{index}].options", $"task '{before.Alias}' before it is asynchronous, so that '{options.Contributions}' come as differences from '{Differences.GlobalOf(options.Contributions)}', expected that as 'global', not '{options.Global}'");
    }

    private static void CheckSecure(SwarmDefinition definition, TaskCatalog catalog, SwarmProblems problems)
    {
        if (definition.SecureAggregation is not { } secure || problems.Any || definition.Find(secure.Aggregator!) is not { } aggregator)
            return;
        var path = $"$.tasks[{definition.Tasks.IndexOf(aggregator)}]";
        var type = catalog.Resolve(aggregator.Type);
        var options = TaskCatalog.OptionsOf(type) is { } optionsType && optionsType.IsAssignableTo(typeof(ISecureCombination))
            ? (ISecureCombination?)(aggregator.Options.ValueKind == JsonValueKind.Undefined ? JsonElement.Parse("{}"u8) : aggregator.Options).Deserialize(optionsType, Strict)
            : null;
        if (options is null)
            problems.Add($"{path}.type", $"{type.Name} looks at contributions one by one, and 'secure_aggregation' shows their sum alone; expected FedAvg, FedAvgM, FedAdagrad, FedAdam, FedYogi or Aggregate");
        else if (options.Misfit(secure) is { } misfit)
            problems.Add(path, $"{type.Name}: {misfit}");
    }

    private static void CheckTask(TaskDefinition task, string path, TaskCatalog catalog, SwarmProblems problems)
    {
        Type type;
        try
        {
            type = catalog.Resolve(task.Type);
        }
        catch (ModuleException e)
        {
            problems.Add($"{path}.type", e.Message);
            return;
        }
        // Options that are left out are checked as an empty object: some of them may be required.
        var json = task.Options.ValueKind == JsonValueKind.Undefined ? JsonElement.Parse("{}"u8) : task.Options;
        if (TaskCatalog.OptionsOf(type) is { } optionsType)
            CheckOptions(json, $"{path}.options", optionsType, problems);
        else if (json.ValueKind != JsonValueKind.Object || json.GetPropertyCount() > 0)
            problems.Add($"{path}.options", $"found {JsonPath.Describe(json)}, but {type.Name} takes no options; leave it out");
    }

    private static void CheckOptions(JsonElement json, string path, Type type, SwarmProblems problems)
    {
        var info = Strict.GetTypeInfo(type);
        if (json.ValueKind != JsonValueKind.Object || info.Kind != JsonTypeInfoKind.Object)
        {
            Read(json, path, type, problems);
            return;
        }
        // Member by member, as a whole read stops at the first problem.
        var known = info.Properties.ToDictionary(p => p.Name, StringComparer.Ordinal);
        var sound = true;
        foreach (var member in json.EnumerateObject())
        {
            var memberPath = JsonPath.Of(path, member.Name);
            if (known.TryGetValue(member.Name, out var property))
            {
                sound &= Read(member.Value, memberPath, property.PropertyType, problems);
                continue;
            }
            sound = false;
            var hint = KnownNames.Nearest(member.Name, known.Keys) is { } near ? $", did you mean '{near}'?" : "";
            problems.Add(memberPath, $"unknown option{hint}; expected one of: {KnownNames.List(known.Keys)}");
        }
        if (sound)
            Read(json, path, type, problems);
    }

    private static bool Read(JsonElement json, string path, Type type, SwarmProblems problems)
    {
        try
        {
            json.Deserialize(type, Strict);
            return true;
        }
        catch (JsonException e)
        {
            // The serializer's path starts with $; its message ends with that path and a position inside the options.
            var below = e.Path is { Length: > 1 } inner && inner[0] == '$' ? inner[1..] : "";
            problems.Add(path + below, below.Length == 0 && Expected(type) is { } expected
                ? $"found {JsonPath.Describe(json)}, expected {expected}"
                : e.Message.Split(" Path: ", 2)[0]);
        }
        catch (Exception e)
        {
            // An options record may refuse a value in its constructor or in a setter.
            problems.Add(path, e.Message);
        }
        return false;
    }

    /// <summary>What a simple type reads from; null for others, where the serializer says more.</summary>
    private static string? Expected(Type type)
    {
        var value = Nullable.GetUnderlyingType(type) ?? type;
        if (value.IsEnum)
            return $"one of: {string.Join(", ", Enum.GetNames(value).Select(JsonNamingPolicy.SnakeCaseLower.ConvertName))}";
        return Type.GetTypeCode(value) switch
        {
            TypeCode.Boolean => "true or false",
            TypeCode.String => "text",
            TypeCode.Single or TypeCode.Double or TypeCode.Decimal => "a number",
            >= TypeCode.SByte and <= TypeCode.UInt64 => $"an integer that fits {value.Name}",
            _ => null,
        };
    }
}
