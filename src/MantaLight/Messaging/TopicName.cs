using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace MantaLight.Messaging;

/// <summary>
/// The topic of a message. A blob's chunks are told apart by the number that is their topics' last level: there it is kept beside the text before it, and no text
/// is made for each chunk.
/// </summary>
public readonly struct TopicName : IEquatable<TopicName>
{
    private const int NoNumber = -1;

    private readonly string text;
    private readonly int numberAndOne;

    /// <summary>A topic as it is written.</summary>
    public TopicName(string text) => this.text = text;

    /// <summary>A topic whose last level is a number.</summary>
    /// <param name="parent">What comes before the last level, without the slash.</param>
    /// <param name="number">The last level, from 0 to less than <see cref="int.MaxValue"/>.</param>
    public TopicName(string parent, int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfEqual(number, int.MaxValue);
        (text, numberAndOne) = (parent, number + 1);
    }

    /// <summary>As it is written. Where it was given in two parts, each call makes a new text.</summary>
    public string Text => Number == NoNumber ? Written : string.Create(CultureInfo.InvariantCulture, $"{text}/{Number}");

    /// <summary>Its length in UTF-8, in bytes.</summary>
    public int ByteCount => Encoding.UTF8.GetByteCount(Written) + (Number == NoNumber ? 0 : 1 + DigitsOf(Number));

    /// <summary>What was given as text: all of it, or what comes before the number.</summary>
    internal string Written => text ?? "";

    /// <summary>The number that was given beside the text, or less than 0.</summary>
    internal int Number => numberAndOne - 1;

    /// <summary>The topic that is written so.</summary>
    public static implicit operator TopicName(string text) => new(text);

    /// <summary>Takes a topic apart whose last level is a number, without an allocation.</summary>
    /// <param name="parent">What comes before the last level, without the slash.</param>
    /// <param name="last">The last level.</param>
    public bool TrySplit(out ReadOnlySpan<char> parent, out int last)
    {
        if (Number != NoNumber)
        {
            parent = text;
            last = Number;
            return true;
        }
        var slash = Written.LastIndexOf('/');
        parent = slash < 0 ? default : Written.AsSpan(0, slash);
        last = NoNumber;
        return slash >= 0 && int.TryParse(Written.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out last);
    }

    /// <summary>Writes it in UTF-8.</summary>
    /// <returns>How many bytes: <see cref="ByteCount"/>, which must fit.</returns>
    public int WriteTo(Span<byte> target)
    {
        var written = Encoding.UTF8.GetBytes(Written, target);
        if (Number == NoNumber)
            return written;
        target[written++] = (byte)'/';
        Utf8Formatter.TryFormat(Number, target[written..], out var digits);
        return written + digits;
    }

    /// <inheritdoc/>
    public bool Equals(TopicName other) => Number == other.Number ? Written == other.Written : Text == other.Text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TopicName other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Text);

    /// <inheritdoc/>
    public override string ToString() => Text;

    /// <summary>Whether both are written the same.</summary>
    public static bool operator ==(TopicName left, TopicName right) => left.Equals(right);

    /// <summary>Whether they are written differently.</summary>
    public static bool operator !=(TopicName left, TopicName right) => !left.Equals(right);

    private static int DigitsOf(int number)
    {
        var digits = 1;
        for (; number >= 10; number /= 10)
            digits++;
        return digits;
    }
}
