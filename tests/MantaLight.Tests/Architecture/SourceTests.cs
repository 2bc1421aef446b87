using System.Text.RegularExpressions;

namespace MantaLight.Tests.Architecture;

public sealed partial class SourceTests
{
    // Folders of the core (namespaces) that must not know others.
    public static TheoryData<string, string[]> Boundaries => new()
    {
        // The author's API and the pure state machines see no transport.
        { "Tasks", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Swarms", "Aggregation"] },
        { "Coordination", ["Messaging", "Nodes", "Blobs"] },
        { "Swarms", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Aggregation"] },
        { "Aggregation", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Swarms"] },
        { "Weights", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Swarms", "Tasks", "Aggregation"] },
        { "Metrics", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Swarms", "Aggregation"] },
        { "Scheduling", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Weights"] },
        { "SecureAggregation", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Swarms", "Aggregation", "Virtual"] },
        { "Attacks", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Swarms"] },
        { "Privacy", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Swarms", "Tasks", "Aggregation", "Weights", "Storage"] },
        { "Partitioning", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Swarms", "Tasks", "Aggregation", "Storage", "Privacy"] },
        { "Tables", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Swarms", "Aggregation", "Weights", "Statistics", "Storage"] },
        { "Statistics", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Swarms", "Aggregation", "Weights", "Storage"] },
        { "Storage", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Swarms", "Tasks", "Aggregation", "Weights"] },
        { "Concurrency", ["Messaging", "Protocol", "Coordination", "Nodes", "Blobs", "Swarms", "Tasks", "Aggregation", "Weights", "Storage"] },
        { "Messaging", ["Protocol", "Coordination", "Nodes", "Blobs", "Swarms", "Tasks", "Aggregation", "Weights"] },
    };

    [Theory]
    [MemberData(nameof(Boundaries))]
    public void A_folder_of_the_core_does_not_know_those_outside_its_boundary(string folder, string[] others)
    {
        var uses = new Regex($@"\bMantaLight\.(?:{string.Join('|', others)})\b");

        Assert.Empty(Hits($"src/MantaLight/{folder}", uses));
    }

    [Theory]
    [InlineData("Tasks")]
    [InlineData("Coordination")]
    public void Messaging_is_not_reached_by_a_relative_name_either(string folder) =>
        Assert.Empty(Hits($"src/MantaLight/{folder}", new Regex(@"(?<![.\w])Messaging\.[A-Z]")));

    [Fact]
    public void No_source_file_is_longer_than_400_lines()
    {
        string[] files = [.. new[] { "src", "tests", "examples" }.SelectMany(Repository.SourceFiles)];

        Assert.NotEmpty(files);
        Assert.All(files, f => Assert.InRange(Repository.Read(f).Count(c => c == '\n'), 1, 400));
    }

    [Theory]
    [InlineData(@"\.Result\b(?!\s*\()", "waits for a task by blocking")]
    [InlineData(@"\.Wait\s*\(\s*\)", "waits for a task by blocking")]
    [InlineData(@"\.GetAwaiter\(\)\s*\.GetResult\(\)", "waits for a task by blocking")]
    [InlineData(@"\basync\s+void\b", "cannot be awaited")]
    public void No_source_blocks_on_a_task_or_hides_one(string pattern, string because) =>
        Assert.Empty(Hits("src", new Regex(pattern)).Select(h => $"{h} ({because})"));

    // Whole swarms run in virtual time on one thread only where the core never leaves the scheduler that it was started on,
    // and never asks the wall clock what to do.
    [Theory]
    [InlineData(@"\bTask\.Run\b", "use Background.Run")]
    [InlineData(@"\.ReadAllAsync\b", "use EachAsync")]
    [InlineData(@"\bSemaphoreSlim\b", "use AsyncGate")]
    [InlineData(@"\.CancelAsync\(\)", "use CancelBesideAsync")]
    [InlineData(@"ConfigureAwait\((false|ConfigureAwaitOptions)", "use Background.Quietly")]
    [InlineData(@"\.ContinueWith\b", "await it")]
    public void The_core_does_not_leave_its_scheduler(string pattern, string because) =>
        Assert.Empty(Hits("src/MantaLight", new Regex(pattern)).Select(h => $"{h} ({because})"));

    [Fact]
    public void The_core_decides_by_steady_time_and_tells_people_the_wall_clock()
    {
        string[] told = ["ControlMessage.cs", "NodeRuntime.cs", "AttemptContexts.cs"];

        Assert.DoesNotContain(Hits("src/MantaLight", new Regex(@"\bGetUtcNow\b")), h => !told.Any(h.Contains));
    }

    [Fact]
    public void Text_checks_see_code_but_not_comments_and_strings()
    {
        const string code = """
            // task.Result
            /* task.Result
            */ var a = "task.Result" + @"task.Result" + 'x'; var b = task.Result;
            """;

        Assert.Equal(["", "", """ var a =  +  + ; var b = task.Result;"""], Repository.WithoutCommentsAndStrings(code).Split('\n'));
    }

    [Fact]
    public void Namespaces_follow_folders() => Assert.All(Repository.SourceFiles("src"), f =>
    {
        if (Namespace.Match(Repository.ReadCode(f)) is { Success: true } declared)
            Assert.True(IsPlaceOf(declared.Groups[1].Value, f), $"{f} declares {declared.Groups[1].Value}");
    });

    /// <summary>Lines of code as <c>file:line: text</c>.</summary>
    private static IEnumerable<string> Hits(string folder, Regex pattern) => Repository.SourceFiles(folder)
        .SelectMany(f => Repository.ReadCode(f).Split('\n').Index().Where(l => pattern.IsMatch(l.Item)).Select(l => $"{f}:{l.Index + 1}: {l.Item.Trim()}"));

    // An assembly's public face may be its root namespace wherever the file lies, and an extension method is in the
    // namespace of what it extends.
    private static bool IsPlaceOf(string name, string file)
    {
        var parts = file.Split('/');
        return name == string.Join('.', parts[1..^1]) || name == parts[1] || name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"(?m)^namespace\s+([\w.]+)")]
    private static partial Regex Namespace { get; }
}
