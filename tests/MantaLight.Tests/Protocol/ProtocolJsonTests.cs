using System.Buffers;
using System.Text;
using System.Text.Json;
using CsCheck;
using MantaLight.Protocol;

namespace MantaLight.Tests.Protocol;

/// <summary>The control plane's bytes are a contract: a change here is a change of the protocol.</summary>
public sealed class ProtocolJsonTests
{
    private static readonly DateTimeOffset Sent = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void A_schedule_message_has_these_bytes() => AssertBytes(
        new ScheduleAttempt
        {
            From = "node_0", Incarnation = "i", Id = "i-1", Sent = Sent, Run = "r-1", Term = 3, Round = 2, MaximumRounds = 8, Alias = "worker", TaskType = "Worker",
            Module = "M", Attempt = "r-1.2.worker.node_1.1", Number = 1, Seed = 7, TimeoutSeconds = 300,
            Globals = [new GlobalEntry { Tag = "g", Version = 1, Round = 1, Content = new ValueRef { Blob = new BlobRef { Sha256 = new string('a', 64), Size = 5, ChunkSize = 1024, ChunkCount = 1, Format = "weights" } } }],
            Inputs = [new ScheduledInput { Node = "node_1", Alias = "a", Staged = new StagedResult { Tag = "t", Samples = 4, Content = new ValueRef { Value = JsonSerializer.SerializeToElement(new { loss = 0.5 }) } } }],
        },
        """{"type":"schedule","v":1,"from":"node_0","incarnation":"i","id":"i-1","sent":"2026-01-02T03:04:05+00:00","round":2,"maximum_rounds":8,"alias":"worker","task_type":"Worker","module":"M","attempt":"r-1.2.worker.node_1.1","number":1,"seed":7,"threads":1,"timeout_seconds":300,"report_spread_seconds":0,"may_set_globals":false,"globals":[{"tag":"g","version":1,"round":1,"content":{"blob":{"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":5,"chunk_size":1024,"chunk_count":1,"format":"weights"}}}],"inputs":[{"node":"node_1","alias":"a","staged":{"tag":"t","samples":4,"content":{"value":{"loss":0.5}}}}],"term":3,"run":"r-1"}""");

    [Fact]
    public void A_claim_has_these_bytes() => AssertBytes(
        new CoordinatorClaim { From = "node_0", Incarnation = "i", Id = "i-1", Sent = Sent, Term = 9 },
        """{"type":"claim","v":1,"from":"node_0","incarnation":"i","id":"i-1","sent":"2026-01-02T03:04:05+00:00","term":9,"released":false}""");

    [Theory]
    [InlineData("stop", SwarmAction.Stop)]
    [InlineData("start", SwarmAction.Start)]
    public void A_person_can_type_a_control_message(string text, SwarmAction action) =>
        Assert.Equal(action, Read<SwarmControl>($$"""{"type":"control","action":"{{text}}"}""").Message!.Action);

    [Theory]
    [InlineData("", "")]
    [InlineData("null", "null")]
    [InlineData("[1]", "")]
    [InlineData("{\"type\":\"bomb\"}", "")]
    [InlineData("{\"type\":\"claim\",\"v\":2}", "protocol version 2")]
    [InlineData("{\"type\":\"beat\"}", "a CoordinatorBeat where a CoordinatorClaim is expected")]
    [InlineData("{\"type\":\"claim\",\"term\":\"x\"}", "")]
    [InlineData("{\"type\":\"claim\",\"from\":null}", "")]
    public void Anything_else_is_refused_with_the_reason(string text, string reason)
    {
        var (message, problem) = Read<CoordinatorClaim>(text);
        Assert.Null(message);
        Assert.Contains(reason, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Members_of_later_versions_are_passed_over() =>
        Assert.Equal(4, Read<CoordinatorClaim>("""{"later":{"a":[1,2]},"term":4,"type":"claim"}""").Message!.Term);

    [Fact]
    public void A_message_beyond_the_limit_is_not_parsed()
    {
        var (message, problem) = Read<CoordinatorClaim>(new string(' ', ProtocolJson.MaximumMessage + 1));
        Assert.Null(message);
        Assert.Contains("at most", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_messages_never_throw()
    {
        var whole = ProtocolJson.Write(new ScheduleAttempt { From = "n", Run = "r-1", Inputs = [new ScheduledInput { Node = "a" }], Globals = [new GlobalEntry { Tag = "g" }] });
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte, Gen.Int[0, whole.Length]).Sample((at, value, length) =>
        {
            var damaged = whole.ToArray();
            damaged[at] = value;
            var bytes = new ReadOnlySequence<byte>(damaged.AsMemory(0, length));
            var any = ProtocolJson.Read<ControlMessage>(bytes, out _);
            var expected = ProtocolJson.Read<ScheduleAttempt>(bytes, out _);
            // Two ways to the same end.
            Assert.Equal(any is ScheduleAttempt, expected is not null);
        });
    }

    [Fact]
    public void The_type_may_stand_anywhere()
    {
        const string Rest = "\"v\":1,\"from\":\"n\",\"status\":\"running\",\"round\":7,\"term\":3";
        var first = Read<SwarmState>($$"""{"type":"state",{{Rest}}}""").Message!;
        var last = Read<SwarmState>($$"""{ {{Rest}} , "type":"state"}""").Message!;
        Assert.Equal((7, 3L, RunStatus.Running), (first.Round, (long)first.Term, first.Status));
        Assert.Equal(ProtocolJson.Write(first), ProtocolJson.Write(last));
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("node_0-B", true)]
    [InlineData("", false)]
    [InlineData("a/b", false)]
    [InlineData("a+", false)]
    [InlineData("#", false)]
    [InlineData("ä", false)]
    [InlineData("a\n", false)]
    public void Ids_have_one_form(string text, bool valid)
    {
        Assert.Equal(valid, Identifier.IsValid(text));
        Assert.Equal(valid || text.Length == 0, Identifier.IsValid(text + new string('x', 64 - text.Length)));
        Assert.False(Identifier.IsValid(text + new string('x', 65 - text.Length)));
    }

    [Fact]
    public void No_topic_has_more_than_seven_separators()
    {
        var topics = new Topics("c");
        string[] all =
        [
            topics.NodeBlob("n", new string('a', 64), 1), topics.SwarmBlob("s", new string('a', 64), 1), topics.Result("s", "n", "t"),
            topics.Beat("s"), topics.Schedule("s", "n"), topics.Logs("s", "n"), topics.Global("s", "t"),
        ];
        Assert.All(all, topic => Assert.InRange(topic.Count(c => c == '/'), 1, 7));
        Assert.All(all, topic => Assert.NotEmpty(topics.Split(topic)));
        Assert.Empty(topics.Split("mantalight/other/nodes/n"));
        Assert.Empty(topics.Split(topics.Presence("a b")));
    }

    private static void AssertBytes(ControlMessage message, string expected)
    {
        Assert.Equal(expected, Encoding.UTF8.GetString(ProtocolJson.Write(message)));
        var read = ProtocolJson.Read<ControlMessage>(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(expected)), out _);
        Assert.Equal(expected, Encoding.UTF8.GetString(ProtocolJson.Write(read!)));
    }

    private static (T? Message, string? Problem) Read<T>(string text)
        where T : ControlMessage
    {
        var message = ProtocolJson.Read<T>(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text)), out var problem);
        return (message, problem);
    }
}
