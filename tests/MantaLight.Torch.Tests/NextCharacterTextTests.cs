using MantaLight.Examples.NextCharacter;
using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Torch.Tests;

public sealed class NextCharacterTextTests
{
    private const string Text = """
        The Tragedy of Nobody, in one act.

        FIRST WATCHMAN: Who goes there?
        A friend: or so he says.

        QUEEN: No friend.
        FIRST WATCHMAN:
        Halt!
        I said halt.

        They fight.

        Queen: Enough.
        """;

    [Fact]
    public void Every_character_has_a_number_that_leads_back_to_it()
    {
        var all = "\n" + string.Concat(Enumerable.Range(' ', 95).Select(c => (char)c));
        Assert.Equal(all, string.Concat(Alphabet.Encode(all).Select(n => Alphabet.CharacterOf(n))));
        Assert.Equal(Enumerable.Range(0, Alphabet.Size - 1), Alphabet.Encode(all).Select(n => (int)n));
    }

    [Fact]
    public void Typographic_characters_become_plain_ones_and_others_one_sign() => Assert.Equal(
        "it's \"so\" - no\n\uFFFD", string.Concat(Alphabet.Encode("it’s\u00A0“so” — no\r\né").Select(n => Alphabet.CharacterOf(n))));

    [Fact]
    public void A_speech_lasts_to_an_empty_line_or_the_next_name_and_nobodys_lines_are_left_out() => Assert.Equal(
        [
            new("FIRST WATCHMAN", "Who goes there?\nHalt!\nI said halt.\n"),
            new("A friend", "or so he says.\n"),
            new("QUEEN", "No friend.\n"),
            new("Queen", "Enough.\n"),
        ],
        Speeches.BySpeaker(Text));

    [Fact]
    public void Speakers_are_dealt_out_whole_so_that_nodes_have_about_as_much()
    {
        Speech[] speeches = [new("A", "aaaa\n"), new("B", "bbbbbbbbb\n"), new("C", "cc\n"), new("D", "ddd\n")];
        Assert.Equal(["bbbbbbbbb\n", "aaaa\nddd\ncc\n"], Speeches.Deal(speeches, 2));
        Assert.Contains("has 4 speakers where 5 nodes", Assert.Throws<TaskContractException>(() => Speeches.Deal(speeches, 5)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_are_shared_out_one_behind_the_other()
    {
        Assert.Equal(["a\nb\n", "c\nd\ne\n"], Speeches.ByLines("a\r\nb\n\n c \nd\ne", 2));
        Assert.Contains("1 lines", Assert.Throws<TaskContractException>(() => Speeches.ByLines("a\n", 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_character_is_followed_by_the_next_one_and_told_once()
    {
        var text = string.Concat(Enumerable.Range(0, 100).Select(i => (char)('!' + (i % 90))));
        using var arrays = new NamedArrays(Windows.Of(text, 7));

        // 80 to train with and 20 to test with: 11 windows of 7 with one behind them, and 2.
        Assert.Equal(["x_train", "y_train", "x_test", "y_test"], arrays.Select(a => a.Name));
        Assert.Equal([11, 7], arrays["x_train"].Shape.ToArray());
        Assert.Equal([2, 7], arrays["y_test"].Shape.ToArray());
        Assert.Equal(Alphabet.Encode(text[..77]), arrays["x_train"].Data.ToArray());
        Assert.Equal(Alphabet.Encode(text[1..78]), arrays["y_train"].Data.ToArray());
        Assert.Equal(Alphabet.Encode(text[80..94]), arrays["x_test"].Data.ToArray());
        Assert.Equal(Alphabet.Encode(text[81..95]), arrays["y_test"].Data.ToArray());
    }

    [Fact]
    public void Too_short_a_text_is_refused_with_what_to_do() => Assert.Contains(
        "2 characters to test with where at least 8 are wanted", Assert.Throws<TaskContractException>(() => Windows.Of("abcdefghij", 7)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Nodes_get_files_of_a_text_of_ones_own_by_speaker_or_by_lines()
    {
        var folder = Directory.CreateTempSubdirectory("mantalight-text-");
        try
        {
            var text = Path.Combine(folder.FullName, "play.txt");
            await File.WriteAllTextAsync(text, Play.Write(1, 20));
            foreach (var (by, beginning) in new[] { ("speaker", Speeches.BySpeaker(Play.Write(1, 20)).MaxBy(s => s.Text.Length)!.Text[..10]), ("lines", "CAPTAIN: T") })
            {
                await GenerateAsync(folder.FullName, $$"""{ "file": {{System.Text.Json.JsonSerializer.Serialize(text)}}, "by": "{{by}}", "window": 10 }""");
                using var arrays = await ArrayFile.ReadAsync(Path.Combine(folder.FullName, "text.npz"), CancellationToken.None);
                Assert.Equal(Alphabet.Encode(beginning), arrays["x_train"].Data[..10].ToArray());
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("""{ "file": "nowhere.txt" }""", "nowhere.txt is not there")]
    [InlineData("""{ "window": 0 }""", "window is 0")]
    [InlineData("""{ "lines": 0 }""", "lines is 0")]
    [InlineData("""{ "by": "chapter" }""", "by")]
    [InlineData("""{ "windows": 10 }""", "windows")]
    public async Task A_request_that_cannot_be_says_why(string options, string message) => Assert.Contains(
        message, (await Assert.ThrowsAsync<TaskContractException>(() => GenerateAsync(Path.GetTempPath(), options))).Message, StringComparison.Ordinal);

    private static Task GenerateAsync(string folder, string options) => new TextGenerator().GenerateAsync(
        new GeneratorRequest { Folders = [folder, Path.Combine(folder, "other")], Seed = 1, Options = System.Text.Json.JsonElement.Parse(options) }, CancellationToken.None);

    [Fact]
    public void The_play_repeats_from_its_seed_and_each_speaker_has_words_of_its_own()
    {
        var speeches = Speeches.BySpeaker(Play.Write(3, 200));

        Assert.Equal(Play.Write(3, 200), Play.Write(3, 200));
        Assert.NotEqual(Play.Write(3, 200), Play.Write(4, 200));
        Assert.Equal(["CAPTAIN", "GARDENER", "COOK", "ASTRONOMER"], speeches.Select(s => s.Speaker));
        Assert.Contains("tide", speeches[0].Text, StringComparison.Ordinal);
        Assert.All(speeches.Skip(1), s => Assert.DoesNotContain("tide", s.Text, StringComparison.Ordinal));
    }
}
