using System.Text.RegularExpressions;
using MantaLight.Tasks;

namespace MantaLight.Examples.NextCharacter;

/// <summary>What one of a text's speakers says, line by line.</summary>
/// <param name="Speaker">The name.</param>
/// <param name="Text">Lines, each with its end.</param>
public sealed record Speech(string Speaker, string Text);

/// <summary>Takes a text apart by who speaks, as McMahan et al. 2017 did with Shakespeare's plays, and deals the speakers out to nodes.</summary>
public static partial class Speeches
{
    /// <summary>
    /// All that each speaker says, in the order in which they first speak. A speech begins with <c>NAME:</c> at the beginning of a line, and ends with an empty line or the next
    /// name. Lines before the first name, and between an empty line and the next name, belong to nobody and are left out.
    /// </summary>
    public static IReadOnlyList<Speech> BySpeaker(string text)
    {
        var lines = new OrderedDictionary<string, List<string>>(StringComparer.Ordinal);
        List<string>? speaking = null;
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            var said = line.Trim();
            if (Name.Match(line) is { Success: true } name)
            {
                if (!lines.TryGetValue(name.Groups[1].Value, out speaking))
                    lines.Add(name.Groups[1].Value, speaking = []);
                said = line[name.Length..].Trim();
            }
            else if (said.Length == 0)
            {
                speaking = null;
            }
            if (said.Length > 0)
                speaking?.Add(said);
        }
        return [.. lines.Where(l => l.Value.Count > 0).Select(l => new Speech(l.Key, string.Concat(l.Value.Select(said => said + '\n'))))];
    }

    /// <summary>The text of each node: speakers from the one who says most on, each to the node that has least so far.</summary>
    /// <exception cref="TaskContractException">There are fewer speakers than nodes.</exception>
    public static IReadOnlyList<string> Deal(IReadOnlyList<Speech> speeches, int nodes)
    {
        if (speeches.Count < nodes)
            throw new TaskContractException($"The text has {speeches.Count} speakers where {nodes} nodes want at least one each; a speech begins with 'NAME:' at the beginning of a line. Take fewer nodes, or share lines out with by=lines.");
        var parts = Enumerable.Range(0, nodes).Select(_ => new List<Speech>()).ToArray();
        foreach (var speech in speeches.OrderByDescending(s => s.Text.Length))
            parts.MinBy(p => p.Sum(s => s.Text.Length))!.Add(speech);
        return [.. parts.Select(p => string.Concat(p.Select(s => s.Text)))];
    }

    /// <summary>The text of each node: as many lines for each, one after the other.</summary>
    /// <exception cref="TaskContractException">There are fewer lines than nodes.</exception>
    public static IReadOnlyList<string> ByLines(string text, int nodes)
    {
        string[] lines = [.. text.ReplaceLineEndings("\n").Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0)];
        if (lines.Length < nodes)
            throw new TaskContractException($"The text has {lines.Length} lines where {nodes} nodes want at least one each; take fewer nodes.");
        return [.. Enumerable.Range(0, nodes).Select(n => string.Concat(
            lines[(int)((long)lines.Length * n / nodes)..(int)((long)lines.Length * (n + 1) / nodes)].Select(line => line + '\n')))];
    }

    // Short and with a capital first, which few sentences with a colon in them are.
    [GeneratedRegex(@"^(\p{Lu}[\p{L} .'’-]{0,39}):")]
    private static partial Regex Name { get; }
}
