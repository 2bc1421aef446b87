using System.Text.Json;
using MantaLight.Swarms;
using MantaLight.Tests.Architecture;

namespace MantaLight.Tests.Docs;

public sealed class MarkdownTests
{
    public static TheoryData<string> Files => [.. Markdown.Files];

    [Theory]
    [MemberData(nameof(Files))]
    public void Links_lead_to_files_and_headings_that_are_there(string file)
    {
        var folder = Path.GetDirectoryName(file)!;
        foreach (var link in new Markdown(file).Links)
        {
            var (path, anchor) = link.Split('#', 2) is [var before, var after] ? (before, after) : (link, "");
            var target = path.Length == 0 ? file : Path.Combine(folder, path);
            Assert.True(Path.Exists(Path.Combine(Repository.Root, target)), $"{file}: {link}");
            if (anchor.Length > 0)
                Assert.True(new Markdown(target).Anchors.Contains(anchor), $"{file}: {link}");
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Code_that_comes_from_a_file_is_what_the_file_says(string file)
    {
        foreach (var block in new Markdown(file).Blocks.Where(b => b.Words.StartsWith("file=", StringComparison.Ordinal)))
        {
            var source = Repository.Read(block.Words[5..]);
            Assert.True(source.Contains(block.Text.Trim(), StringComparison.Ordinal), $"{file}, line {block.Line}: not in {block.Words[5..]}");
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Definitions_are_valid(string file)
    {
        foreach (var block in new Markdown(file).Blocks.Where(b => b is { Language: "json", Words: "definition" }))
            SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes(block.Text));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Json_is_json(string file) => Assert.All(
        new Markdown(file).Blocks.Where(b => b.Language == "json" && !b.Words.StartsWith("file=", StringComparison.Ordinal)), b => JsonDocument.Parse(b.Text).Dispose());

    [Fact]
    public void The_readme_has_the_whole_script_that_reads_weights() =>
        Assert.Contains(Repository.Read("docs/read_global.py").Trim(), Repository.Read("README.md"), StringComparison.Ordinal);
}
