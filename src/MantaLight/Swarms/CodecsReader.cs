using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Weights.Packing;

namespace MantaLight.Swarms;

/// <summary>Reads a definition's <c>codecs</c>: by tag, the steps that weights take.</summary>
internal static class CodecsReader
{
    private const int MaximumTags = 100;
    private const string Expected = "a list of steps such as [\"delta\", \"int8\", \"zstd\"], or one step as text";

    public static ImmutableSortedDictionary<string, PackingPlan> Read(JsonObjectReader json, SwarmProblems problems)
    {
        var codecs = ImmutableSortedDictionary.CreateBuilder<string, PackingPlan>(StringComparer.Ordinal);
        if (!json.TryGet("codecs", out var value))
            return codecs.ToImmutable();
        var path = json.PathOf("codecs");
        if (value.ValueKind != JsonValueKind.Object || value.GetPropertyCount() > MaximumTags)
        {
            problems.Add(path, $"found {JsonPath.Describe(value)}, expected an object with the steps of at most {MaximumTags} tags of weights");
            return codecs.ToImmutable();
        }
        foreach (var codec in value.EnumerateObject())
        {
            var at = JsonPath.Of(path, codec.Name);
            if (!JsonObjectReader.IsId(codec.Name))
                problems.Add(at, "is not a tag, expected 1 to 64 characters of A-Za-z0-9_-");
            if (StepsOf(codec.Value) is not { } steps)
                problems.Add(at, $"found {JsonPath.Describe(codec.Value)}, expected {Expected}");
            else if (PackingPlan.Parse(steps, out var problem) is not { } plan)
                problems.Add(at, $"{problem}, expected {Expected}");
            else if (plan.Base == codec.Name)
                problems.Add(at, $"is a difference from '{plan.Base}', which is itself, expected the tag of another global");
            else if (!plan.IsPlain)
                codecs[codec.Name] = plan;
        }
        return codecs.ToImmutable();
    }

    private static string[]? StepsOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => [value.GetString()!],
        JsonValueKind.Array when value.GetArrayLength() <= 8 && value.EnumerateArray().All(s => s.ValueKind == JsonValueKind.String) => [.. value.EnumerateArray().Select(s => s.GetString()!)],
        _ => null,
    };
}
