using System.Buffers;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

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
        problem = payload.Length > MaximumMessage ? $"{payload.Length} bytes where at most {MaximumMessage} are read" : null;
        return problem is null ? ReadWhole<T>(payload, out problem) : null;
    }

    /// <summary>Reads what this process has written itself, of any size; null where it is of another type.</summary>
    public static T? ReadOwn<T>(ReadOnlySequence<byte> payload)
        where T : ControlMessage => ReadWhole<T>(payload, out _);

    private static T? ReadWhole<T>(ReadOnlySequence<byte> payload, out string? problem)
        where T : ControlMessage
    {
        try
        {
            var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = MaximumDepth });
            // Looking for the type first is a reading of its own: it is spared where the type stands first and is the one that is expected.
            var message = Kind<T>.Reads(payload) ? JsonSerializer.Deserialize(ref reader, Kind<T>.TypeInfo!) : JsonSerializer.Deserialize(ref reader, ProtocolJsonContext.Default.ControlMessage);
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

    /// <summary>How one type of message is recognized and read.</summary>
    private static class Kind<T>
        where T : ControlMessage
    {
        private static readonly byte[]? Name = typeof(ControlMessage).GetCustomAttributes<JsonDerivedTypeAttribute>()
            .FirstOrDefault(derived => derived.DerivedType == typeof(T))?.TypeDiscriminator is string name ? Encoding.UTF8.GetBytes(name) : null;

        /// <summary>Null where <typeparamref name="T"/> stands for several types.</summary>
        public static JsonTypeInfo<T>? TypeInfo { get; } = Name is null ? null : (JsonTypeInfo<T>?)ProtocolJsonContext.Default.GetTypeInfo(typeof(T));

        /// <summary>Whether it begins as a message of exactly this type.</summary>
        public static bool Reads(ReadOnlySequence<byte> payload)
        {
            if (TypeInfo is null)
                return false;
            var reader = new Utf8JsonReader(payload);
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject
                && reader.Read() && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("type"u8)
                && reader.Read() && reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(Name);
        }
    }

    /// <summary>Generated readers let nulls into lists whose items are never null; only users' own values may have them.</summary>
    private static bool HasNullInList(ReadOnlySequence<byte> payload)
    {
        // Ours have none at all: looking for the word is many times as fast as reading.
        if (payload.IsSingleSegment && payload.FirstSpan.IndexOf("null"u8) < 0)
            return false;
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
