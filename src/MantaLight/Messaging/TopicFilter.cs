using System.Globalization;
using System.Text;

namespace MantaLight.Messaging;

/// <summary>MQTT topics and topic filters: validity, and whether one matches the other (MQTT 5, section 4.7).</summary>
public static class TopicFilter
{
    /// <summary>The longest topic or filter, in UTF-8 bytes, as the protocol has it.</summary>
    private const int MaximumLength = 65_535;

    /// <summary>Whether a message published to <paramref name="topic"/> is one that <paramref name="filter"/> asks for.</summary>
    public static bool Matches(string filter, TopicName topic)
    {
        ReadOnlySpan<char> wanted = filter;
        scoped ReadOnlySpan<char> given = topic.Written;
        Span<char> digits = stackalloc char[10];
        var hasNumber = topic.Number >= 0;

        // Topics of the broker itself are not meant by a wildcard in the first place.
        if (given.StartsWith('$') && (wanted.StartsWith('+') || wanted.StartsWith('#')))
            return false;

        while (true)
        {
            var level = CutLevel(ref wanted, out var lastWanted);
            if (level is "#")
                return true;

            var actual = CutLevel(ref given, out var lastGiven);
            if (lastGiven && hasNumber)
            {
                topic.Number.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);
                given = digits[..length];
                lastGiven = hasNumber = false;
            }
            if (level is not "+" && !level.SequenceEqual(actual))
                return false;
            if (lastWanted || lastGiven)
                return lastWanted == lastGiven || (lastGiven && wanted is "#");
        }
    }

    /// <summary>Checks a filter before it is sent anywhere.</summary>
    /// <exception cref="ArgumentException">It is empty, too long, or has a wildcard that is not a whole level (<c>#</c>: the last one).</exception>
    public static void Check(string filter)
    {
        CheckText(filter, Encoding.UTF8.GetByteCount(filter), "topic filter");
        ReadOnlySpan<char> rest = filter;
        for (var last = false; !last;)
        {
            var level = CutLevel(ref rest, out last);
            if (level.ContainsAny('+', '#') && (level.Length != 1 || (level is "#" && !last)))
                throw new ArgumentException($"The topic filter '{filter}' is not valid: + and # stand for whole levels, and # for the last one only.", nameof(filter));
        }
    }

    /// <summary>Checks a topic before a message is published to it.</summary>
    /// <exception cref="ArgumentException">It is empty, too long, or has a wildcard.</exception>
    public static void CheckTopic(TopicName topic)
    {
        CheckText(topic.Written, topic.ByteCount, "topic");
        if (topic.Written.AsSpan().ContainsAny('+', '#'))
            throw new ArgumentException($"The topic '{topic}' is not valid: a message cannot be published to a wildcard.", nameof(topic));
    }

    private static void CheckText(string text, int bytes, string what)
    {
        if (text.Length == 0)
            throw new ArgumentException($"The {what} is empty.", nameof(text));
        if (text.Contains('\0') || bytes > MaximumLength)
            throw new ArgumentException($"The {what} '{text[..Math.Min(text.Length, 100)]}' has a null character or is longer than {MaximumLength} bytes.", nameof(text));
    }

    private static ReadOnlySpan<char> CutLevel(ref ReadOnlySpan<char> rest, out bool last)
    {
        var end = rest.IndexOf('/');
        last = end < 0;
        var level = last ? rest : rest[..end];
        rest = last ? [] : rest[(end + 1)..];
        return level;
    }
}
