using System.Text.RegularExpressions;

namespace MantaLight.Protocol;

/// <summary>The form of ids of clusters, nodes and swarms, of aliases and tags: <c>[A-Za-z0-9_-]{1,64}</c>.</summary>
public static partial class Identifier
{
    /// <summary>What an id looks like, for error messages.</summary>
    public const string Form = "1 to 64 of A-Z a-z 0-9 _ -";

    /// <summary>Whether the text can be an id.</summary>
    public static bool IsValid(string? text) => text is not null && Pattern().IsMatch(text);

    /// <summary>Returns the id.</summary>
    /// <exception cref="InvalidSettingException">It is not one; the message names <paramref name="what"/>.</exception>
    public static string Require(string? text, string what) => IsValid(text)
        ? text!
        : throw new InvalidSettingException($"{what} '{text}' is not an id: {Form} are expected.");

    [GeneratedRegex(@"\A[A-Za-z0-9_-]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
