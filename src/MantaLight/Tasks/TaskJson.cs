using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MantaLight.Tasks;

/// <summary>
/// JSON of users' own values: snake_case, enums by name, NaN and infinities refused. Types are the user's, so this is
/// the one place that serializes by reflection; the type is always the one that the task's code names.
/// </summary>
public static class TaskJson
{
    /// <summary>The largest value, in bytes, that stands in an attempt's record itself; a larger one is a file that is fetched.</summary>
    public const int MaximumInline = 4096;

    /// <summary>The options.</summary>
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = null,
        PropertyNameCaseInsensitive = false,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        MaxDepth = 32,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    /// <summary>Writes a value.</summary>
    /// <exception cref="TaskContractException">It cannot be written, for example because a number in it is NaN.</exception>
    public static JsonElement Write<T>(T value)
    {
        try
        {
            return JsonSerializer.SerializeToElement(value, Options);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or JsonException)
        {
            throw new TaskContractException($"A {typeof(T).Name} cannot be written as JSON: {e.Message}", e);
        }
    }

    /// <summary>Reads a value.</summary>
    /// <exception cref="TaskContractException">It is not a <typeparamref name="T"/>.</exception>
    public static T Read<T>(JsonElement json, string what)
    {
        try
        {
            return json.Deserialize<T>(Options) ?? throw new TaskContractException($"The {what} is null where a {typeof(T).Name} is expected.");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            throw new TaskContractException($"The {what} is not a {typeof(T).Name}: {e.Message}", e);
        }
    }
}
