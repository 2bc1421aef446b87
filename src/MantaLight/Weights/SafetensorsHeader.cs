using System.Collections.Immutable;
using System.Text.Json;

namespace MantaLight.Weights;

/// <summary>An array in the header: its data lie from <paramref name="Begin"/> to before <paramref name="End"/>, counted from the header's end.</summary>
internal readonly record struct SafetensorsEntry(string Name, ArrayType Type, ImmutableArray<long> Shape, long Begin, long End);

/// <summary>The JSON header of a safetensors file. Only what the format has is accepted, each key once.</summary>
internal sealed class SafetensorsHeader
{
    private const int MaximumTexts = 10_000;

    private readonly ImmutableArray<SafetensorsEntry>.Builder entries = ImmutableArray.CreateBuilder<SafetensorsEntry>();
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private ImmutableSortedDictionary<string, string> metadata = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    private SafetensorsHeader(int length) => Length = length;

    /// <summary>The header's own bytes.</summary>
    public int Length { get; }

    /// <summary>The arrays in the header's order.</summary>
    public ImmutableArray<SafetensorsEntry> Entries { get; private set; }

    public ImmutableSortedDictionary<string, string> Metadata => metadata;

    /// <exception cref="MalformedDataException">Not exactly such a header.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> utf8)
    {
        var header = new SafetensorsHeader(utf8.Length);
        try
        {
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = 4 });
            reader.Read();
            header.ReadAll(ref reader);
            if (reader.Read())
                throw new MalformedDataException("more follows its header's end");
        }
        // InvalidOperationException: text that is no Unicode.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new MalformedDataException($"its header is not the JSON that it should be: {e.Message}", e);
        }
        header.Entries = header.entries.ToImmutable();
        return header;
    }

    /// <summary>The length of the data, which the arrays must fill without a gap and without an overlap.</summary>
    /// <param name="there">How many bytes follow the header.</param>
    /// <exception cref="MalformedDataException">They do not.</exception>
    public long DataLength(long there)
    {
        long end = 0;
        foreach (var entry in Entries.OrderBy(e => e.Begin).ThenBy(e => e.End))
        {
            if (entry.Begin != end)
                throw new MalformedDataException($"the data of '{entry.Name}' begin at {entry.Begin:N0}, where those before end at {end:N0}");
            end = entry.End;
        }
        return end == there
            ? there
            : throw new MalformedDataException($"{there:N0} bytes of data are there, where its header tells of {end:N0}: {(end > there ? "it is cut short" : "something was appended")}");
    }

    private void ReadAll(ref Utf8JsonReader reader)
    {
        Require(reader.TokenType == JsonTokenType.StartObject, "it is not an object");
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            Require(names.Add(name), $"'{Short(name)}' is there twice");
            reader.Read();
            if (name == SafetensorsTypes.MetadataKey)
            {
                metadata = ReadMetadata(ref reader);
                continue;
            }
            Require(name.Length is > 0 and <= NamedArray.MaximumNameLength, $"an array's name has {name.Length} characters, where 1 to {NamedArray.MaximumNameLength} are possible");
            Require(entries.Count < WeightsCodec.MaximumTensors, $"it has more than {WeightsCodec.MaximumTensors:N0} arrays");
            entries.Add(ReadEntry(ref reader, name));
        }
    }

    private static ImmutableSortedDictionary<string, string> ReadMetadata(ref Utf8JsonReader reader)
    {
        var texts = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        Require(reader.TokenType == JsonTokenType.StartObject, "'__metadata__' is not an object");
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            Require(Next(ref reader) == JsonTokenType.String, $"'{Short(key)}' in '__metadata__' is not text");
            Require(texts.TryAdd(key, reader.GetString()!), $"'{Short(key)}' is twice in '__metadata__'");
            Require(texts.Count <= MaximumTexts, $"'__metadata__' has more than {MaximumTexts:N0} texts");
        }
        return texts.ToImmutable();
    }

    private static SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        string? dtype = null;
        long[]? shape = null;
        long[]? offsets = null;
        Require(reader.TokenType == JsonTokenType.StartObject, $"'{name}' is not an object");
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            var key = reader.GetString();
            reader.Read();
            if (key == "dtype" && dtype is null && reader.TokenType == JsonTokenType.String)
                dtype = reader.GetString();
            else if (key == "shape" && shape is null)
                shape = ReadNumbers(ref reader, name, key, WeightsCodec.MaximumDimensions);
            else if (key == "data_offsets" && offsets is null)
                offsets = ReadNumbers(ref reader, name, key, most: 2);
            else
                throw new MalformedDataException($"'{name}' has a key '{Short(key!)}' that is unknown, twice there, or of another kind");
        }
        if (dtype is null || shape is null || offsets is not [var begin, var end])
            throw new MalformedDataException($"'{name}' needs 'dtype', 'shape' and two 'data_offsets'");
        var type = SafetensorsTypes.Of(dtype)
            ?? throw new MalformedDataException($"'{name}' has elements of type '{Short(dtype)}'; those that are read are {SafetensorsTypes.All}");
        Require(begin <= end, $"the data of '{name}' end before they begin");
        Require(end - begin <= Array.MaxLength, $"'{name}' has {end - begin:N0} bytes; at most {Array.MaxLength:N0} are read");
        Require(NamedArray.ByteLength(type, shape) == end - begin, $"'{name}' of {dtype} [{string.Join(", ", shape)}] has {end - begin:N0} bytes of data, which do not fit that shape");
        return new SafetensorsEntry(name, type, [.. shape], begin, end);
    }

    private static long[] ReadNumbers(ref Utf8JsonReader reader, string name, string key, int most)
    {
        var numbers = new List<long>();
        Require(reader.TokenType == JsonTokenType.StartArray, $"'{key}' of '{name}' is not a list");
        while (Next(ref reader) == JsonTokenType.Number)
        {
            Require(reader.TryGetInt64(out var number) && number >= 0, $"'{key}' of '{name}' has a number that is no integer of 0 or more");
            numbers.Add(number);
            Require(numbers.Count <= most, $"'{key}' of '{name}' has more than {most} numbers");
        }
        Require(reader.TokenType == JsonTokenType.EndArray, $"'{key}' of '{name}' has something else than numbers");
        return [.. numbers];
    }

    private static JsonTokenType Next(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType;
    }

    private static void Require(bool holds, string problem)
    {
        if (!holds)
            throw new MalformedDataException($"its header is not one of safetensors: {problem}");
    }

    private static string Short(string text) => text.Length <= 64 ? text : $"{text[..64]}…";
}
