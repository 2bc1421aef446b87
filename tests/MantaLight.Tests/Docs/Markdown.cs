using System.Text.RegularExpressions;
using MantaLight.Tests.Architecture;

namespace MantaLight.Tests.Docs;

/// <summary>A fenced block: its language, the words behind it, its text and where it is.</summary>
internal sealed record CodeBlock(string Language, string Words, string Text, int Line);

/// <summary>A Markdown file of the repository.</summary>
internal sealed partial class Markdown(string path)
{
    /// <summary>The files that are checked.</summary>
    public static IReadOnlyList<string> Files { get; } =
        [
            "README.md", "docs/protocol.md", "docs/architecture.md", "docs/training.md", "docs/metrics.md", "docs/chaos.md", "examples/Mnist/README.md", "examples/Cifar10/README.md", "examples/NextCharacter/README.md",
            "examples/EmbeddedNode/README.md", "examples/Synthetic/README.md", "examples/Readmission/README.md", "examples/Statistics/README.md", "broker/README.md",
        ];

    public string Text { get; } = Repository.Read(path);

    public IReadOnlyList<CodeBlock> Blocks => [.. Fence.Matches(Text).Select(m => new CodeBlock(
        m.Groups["language"].Value, m.Groups["words"].Value.Trim(), m.Groups["text"].Value, Text[..m.Index].Count(c => c == '\n') + 1))];

    /// <summary>Targets of links, those to other sites left out.</summary>
    public IEnumerable<string> Links => Link.Matches(WithoutBlocks).Select(m => m.Groups[1].Value)
        .Where(l => !l.Contains("://", StringComparison.Ordinal));

    /// <summary>The anchors of the headings, as GitHub makes them.</summary>
    public IReadOnlySet<string> Anchors => Heading.Matches(WithoutBlocks)
        .Select(m => NotInAnchors.Replace(m.Groups[1].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-')).ToHashSet(StringComparer.Ordinal);

    private string WithoutBlocks => Fence.Replace(Text, "");

    [GeneratedRegex(@"^```(?<language>\w+)(?<words>[^\n]*)\n(?<text>.*?)^```\s*$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence { get; }

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link { get; }

    [GeneratedRegex(@"^#{1,6} (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading { get; }

    [GeneratedRegex(@"[^\p{L}\p{N} _-]")]
    private static partial Regex NotInAnchors { get; }
}
