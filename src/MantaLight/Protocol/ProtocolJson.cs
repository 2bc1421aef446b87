using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MantaLight.Protocol;

/// <summary>The control plane's JSON: snake_case, source-generated, bounded, unknown members ignored.</summary>
public static class ProtocolJson
{
    /// <summary>The largest control message that is read, in bytes.</summary>
    public const int MaximumMessage = 4 << 20;

    /// <summary>Deeper than any value of a user (32), since that stands some levels inside a message.</summary>
    internal const int MaximumDepth = 64;

    /// <summary>Writes a message.</summary>
    public static byte[] Write(ControlMessage message) =>
        JsonSerializer.SerializeToUtf8Bytes(message, ProtocolJsonContext.Default.ControlMessage);

    /// <summary>Reads a message of type <typeparamref name="T"/>; null, with the reason, where it is anything else.</summary>
    public static T? Read<T>(ReadOnlySequence<byte> payload, out string? problem)
        where T : ControlMessage
    {
        problem = null;
        if (payload.Length > MaximumMessage)
        {
            problem = $"{payload.Length} bytes where at most {MaximumMessage} are read";
            return null;
        }
        try
        {
            var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = MaximumDepth });
            var message = JsonSerializer.Deserialize(ref reader, ProtocolJsonContext.Default.ControlMessage);
            problem = message switch
            {
                null => "null",
                { V: not ControlMessage.Version } => $"protocol version {message.V} where {ControlMessage.Version} is spoken",
                not T => $"a {message.GetType().Name} where a {typeof(T).Name} is expected",
                _ when HasNullInList(payload) => "a null among the items of a list",
                _ => null,
            };
            return problem is null ? message as T : null;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException or FormatException)
        {
            problem = e.Message;
            return null;
        }
    }

    /// <summary>Generated readers let nulls into lists whose items are never null; only users' own values may have them.</summary>
    private static bool HasNullInList(ReadOnlySequence<byte> payload)
    {
        var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = MaximumDepth });
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.Null)
                return true;
            if (reader.TokenType != JsonTokenType.PropertyName)
                continue;
            var isUsers = reader.ValueTextEquals("value"u8) || reader.ValueTextEquals("options"u8);
            reader.Read();
            if (isUsers)
                reader.Skip();
        }
        return false;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowOutOfOrderMetadataProperties = true,
    RespectNullableAnnotations = true,
    MaxDepth = ProtocolJson.MaximumDepth)]
[JsonSerializable(typeof(ControlMessage))]
internal sealed partial class ProtocolJsonContext : JsonSerializerContext;

/// <summary>Enums on the wire: snake_case names, numbers refused.</summary>
internal sealed class SnakeCaseEnum<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
