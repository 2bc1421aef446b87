using System.Buffers;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Weights;

namespace MantaLight.Tests.Docs;

public sealed partial class ProtocolDocTests
{
    private static readonly Markdown Document = new("docs/protocol.md");

    private static readonly IReadOnlyDictionary<string, Type> MessageTypes = typeof(ControlMessage).GetCustomAttributes<JsonDerivedTypeAttribute>()
        .ToDictionary(a => (string)a.TypeDiscriminator!, a => a.DerivedType, StringComparer.Ordinal);

    public static TheoryData<string> Types => [.. MessageTypes.Keys];

    public static TheoryData<string, int> Examples => [.. Tagged.Select(b => new TheoryDataRow<string, int>(b.Words, b.Line))];

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_message_type_has_an_example(string type) => Assert.Contains(Tagged, b => b.Words.Split(' ')[0] == type);

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_is_what_the_program_reads_and_would_write_itself(string words, int line)
    {
        var text = Tagged.Single(b => b.Line == line).Text;
        var message = ProtocolJson.Read<ControlMessage>(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text)), out var problem);

        Assert.Null(problem);
        Assert.Equal(MessageTypes[words.Split(' ')[0]], message!.GetType());
        if (words.EndsWith(" short", StringComparison.Ordinal))
            return;
        // A key that the program does not know, or one that the example lacks, shows as a difference.
        using var example = JsonDocument.Parse(text);
        using var written = JsonDocument.Parse(ProtocolJson.Write(message));
        Assert.True(JsonElement.DeepEquals(example.RootElement, written.RootElement), $"line {line}: the program would write {written.RootElement}");
    }

    [Fact]
    public void Pointers_and_values_in_examples_are_sound()
    {
        var global = Read<GlobalValue>("global");
        var schedule = Read<ScheduleAttempt>("schedule");

        Assert.True(global.Global.Content.IsSound());
        Assert.All(schedule.Inputs, i => Assert.True(i.Staged.Content.IsSound()));
        Assert.All(schedule.Globals, g => Assert.True(g.Content.IsSound()));
        Assert.Equal($"{schedule.Run}.{schedule.Round}.{schedule.Alias}.node_1.{schedule.Number}", schedule.Attempt);
    }

    [Fact]
    public void Every_field_of_every_message_is_named()
    {
        var named = Names.Matches(Document.Text).Select(m => m.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        var fields = MessageTypes.Values.Concat(typeof(ControlMessage).Assembly.GetExportedTypes()
                .Where(t => t.Namespace == typeof(ControlMessage).Namespace && t is { IsClass: true, IsAbstract: false } && t.GetMethod("<Clone>$") is not null && t != typeof(MessageStamp)))
            .SelectMany(t => t.GetProperties()).Where(p => p.SetMethod is not null)
            .Select(p => JsonNamingPolicy.SnakeCaseLower.ConvertName(p.Name)).Distinct();

        Assert.Subset(named, fields.ToHashSet(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(typeof(RunStatus))]
    [InlineData(typeof(TaskPhase))]
    [InlineData(typeof(NodeStatus))]
    [InlineData(typeof(SwarmAction))]
    public void Every_value_of_a_status_is_named(Type type) =>
        Assert.All(Enum.GetNames(type), name => Assert.Contains($"`{JsonNamingPolicy.SnakeCaseLower.ConvertName(name)}`", Document.Text, StringComparison.Ordinal));

    [Fact]
    public void The_table_of_topics_is_that_of_the_code()
    {
        var topics = new Topics("c");
        string[] coded =
        [
            topics.Presence("NODE"), topics.Inbox("NODE"), topics.NodeBlob("NODE", "HASH", 7), topics.Definition("SWARM"), topics.Control("SWARM"),
            topics.Coordinator("SWARM"), topics.Beat("SWARM"), topics.Lost("SWARM"), topics.Census("SWARM"), topics.State("SWARM"), topics.Schedule("SWARM", "NODE"),
            topics.Tasks("SWARM", "NODE"), topics.Global("SWARM", "TAG"), topics.Result("SWARM", "NODE", "TAG"), topics.SwarmBlob("SWARM", "HASH", 7), topics.Logs("SWARM", "NODE"),
        ];
        var expected = coded.Select(t => t[topics.Prefix.Length..].Replace("/7", "/{i}", StringComparison.Ordinal)).Select(t => Capitals.Replace(t, m => $"{{{m.Value.ToLowerInvariant()}}}"));

        Assert.Equal(expected.Order(StringComparer.Ordinal), Table.Matches(Document.Text).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal));
        Assert.All(coded, t => Assert.InRange(t.Count(c => c == '/'), 0, 7));
    }

    [Fact]
    public void The_bytes_of_the_weights_example_are_those_of_the_codec()
    {
        var lines = Document.Blocks.Single(b => b.Language == "hex").Text.Split('\n').Select(l => l.Split("  ", 2, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) is [var hex, ..] ? hex : "");
        var bytes = string.Join(' ', lines).Split(' ', StringSplitOptions.RemoveEmptyEntries).SelectMany(Bytes).ToArray();
        var data = new byte[8];
        BitConverter.TryWriteBytes(data, 1f);
        BitConverter.TryWriteBytes(data.AsSpan(4), 2f);
        using var weights = new NamedArrays([new NamedArray("w", ArrayType.Float32, [2], data)]);

        Assert.Equal(WeightsCodec.Encode(weights).ToArray(), bytes);
    }

    [Fact]
    public void Limits_are_those_of_the_code()
    {
        string[] numbers =
        [
            $"{ProtocolJson.MaximumMessage >> 20} MiB, {ProtocolJson.MaximumDepth} levels", $"{ValueRef.MaximumInline} bytes", $"at most {BlobRequest.Window} chunks", $"{BlobRef.MaximumSize >> 30} GiB",
            string.Create(CultureInfo.InvariantCulture, $"{WeightsCodec.MaximumTensors:N0} tensors, {WeightsCodec.MaximumDimensions} dimensions"),
            $"{BrokerLimits.PreferredChunkSize >> 10} KiB", $"Receive Maximum, at most {BrokerLimits.MaximumWindow}",
            $"{TaskState.MaximumListed} nodes and {TaskState.MaximumListed} troubles", $"{SwarmState.MaximumHistory} rounds",
        ];

        Assert.All(numbers, n => Assert.Contains(n, Document.Text, StringComparison.Ordinal));
    }

    private static IEnumerable<CodeBlock> Tagged => Document.Blocks.Where(b => b.Language == "json" && b.Words.Length > 0 && b.Words != "definition");

    private static T Read<T>(string type)
        where T : ControlMessage =>
        ProtocolJson.Read<T>(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(Tagged.Single(b => b.Words == type).Text)), out _)!;

    // 00*47 is 47 zero bytes.
    private static IEnumerable<byte> Bytes(string token) => token.Split('*') is [var value, var count]
        ? Enumerable.Repeat(Convert.ToByte(value, 16), int.Parse(count, CultureInfo.InvariantCulture))
        : [Convert.ToByte(token, 16)];

    [GeneratedRegex(@"[`""]([a-z][a-z0-9_]*)(?:\[\])?[`""]")]
    private static partial Regex Names { get; }

    [GeneratedRegex("[A-Z]+")]
    private static partial Regex Capitals { get; }

    [GeneratedRegex(@"^\| `((?:nodes|swarms)/[^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Table { get; }
}
