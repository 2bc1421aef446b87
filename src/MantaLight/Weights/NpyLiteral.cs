using System.Collections.Immutable;
using System.Globalization;

namespace MantaLight.Weights;

/// <summary>Reads the one kind of Python literal that .npy headers hold: a dict with a type, an order and a shape.</summary>
internal ref struct NpyLiteral
{
    /// <summary>NumPy's own limit before 2.0, and torch's.</summary>
    private const int MaximumDimensions = 32;

    private ReadOnlySpan<char> rest;

    private NpyLiteral(ReadOnlySpan<char> text) => rest = text;

    /// <summary>Type and shape of a header's literal.</summary>
    /// <exception cref="MalformedDataException">Not such a literal, or one that asks for what is not read.</exception>
    public static (ArrayType Type, ImmutableArray<long> Shape) Parse(ReadOnlySpan<char> text) => new NpyLiteral(text).ReadDictionary();

    private (ArrayType Type, ImmutableArray<long> Shape) ReadDictionary()
    {
        string? descriptor = null;
        bool? columnMajor = null;
        ImmutableArray<long>? shape = null;
        Expect('{');
        while (!TryTake('}'))
        {
            var key = ReadString();
            Expect(':');
            switch (key)
            {
                case "descr" when descriptor is null:
                    descriptor = ReadDescriptor();
                    break;
                case "fortran_order" when columnMajor is null:
                    columnMajor = ReadBoolean();
                    break;
                case "shape" when shape is null:
                    shape = ReadTuple();
                    break;
                default:
                    throw Malformed($"has the key '{key}' where 'descr', 'fortran_order' and 'shape' are expected once each");
            }
            if (!TryTake(',') && !Peek('}'))
                throw Malformed("has no comma between its entries");
        }
        if (!rest.Trim().IsEmpty)
            throw Malformed("goes on after its end");
        if (descriptor is null || columnMajor is null || shape is not { } dimensions)
            throw Malformed("lacks one of 'descr', 'fortran_order' and 'shape'");
        // The order does not matter while at most one dimension has more than one element.
        if (columnMajor.Value && dimensions.Count(d => d != 1) > 1)
            throw new MalformedDataException("the array is in Fortran order; save it with numpy.ascontiguousarray");
        return (NpyHeader.TypeOf(descriptor), dimensions);
    }

    private string ReadDescriptor() => Peek('[')
        ? throw new MalformedDataException("it is a structured array (a table of fields), which is not read; save each field as an array")
        : ReadString();

    private bool ReadBoolean()
    {
        rest = rest.TrimStart();
        foreach (var (word, value) in new[] { ("True", true), ("False", false) })
        {
            if (rest.StartsWith(word, StringComparison.Ordinal))
            {
                rest = rest[word.Length..];
                return value;
            }
        }
        throw Malformed("has a 'fortran_order' that is neither True nor False");
    }

    private ImmutableArray<long> ReadTuple()
    {
        var dimensions = ImmutableArray.CreateBuilder<long>();
        Expect('(');
        while (!TryTake(')'))
        {
            if (dimensions.Count == MaximumDimensions)
                throw Malformed($"has more than {MaximumDimensions} dimensions");
            dimensions.Add(ReadInteger());
            if (!TryTake(',') && !Peek(')'))
                throw Malformed("has a 'shape' that is not a tuple of integers");
        }
        return dimensions.ToImmutable();
    }

    private long ReadInteger()
    {
        rest = rest.TrimStart();
        var digits = rest.IndexOfAnyExceptInRange('0', '9');
        if (digits <= 0 || !long.TryParse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            throw Malformed("has a dimension that is not an integer from 0 to 2^63-1");
        rest = rest[digits..];
        if (rest is ['L', ..]) // Python 2 wrote 60000L
            rest = rest[1..];
        return value;
    }

    private string ReadString()
    {
        rest = rest.TrimStart();
        if (rest is not ['\'' or '"', ..] || rest[1..].IndexOf(rest[0]) is not (>= 0 and var length) || rest.Slice(1, length).Contains('\\'))
            throw Malformed("lacks a plain string where one is expected");
        var value = rest.Slice(1, length).ToString();
        rest = rest[(length + 2)..];
        return value;
    }

    private bool Peek(char c)
    {
        rest = rest.TrimStart();
        return rest.Length > 0 && rest[0] == c;
    }

    private bool TryTake(char c)
    {
        if (!Peek(c))
            return false;
        rest = rest[1..];
        return true;
    }

    private void Expect(char c)
    {
        if (!TryTake(c))
            throw Malformed($"lacks a '{c}'");
    }

    private static MalformedDataException Malformed(string what) => new($"its header {what}");
}
