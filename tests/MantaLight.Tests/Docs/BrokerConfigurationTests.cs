using System.Globalization;
using System.Text.RegularExpressions;
using MantaLight.Messaging;
using MantaLight.Tests.Architecture;

namespace MantaLight.Tests.Docs;

public sealed partial class BrokerConfigurationTests
{
    // A chunk with its topic and header must fit.
    private const int SmallestPacket = BrokerLimits.PreferredChunkSize + (4 * 1024);

    private static readonly Dictionary<string, string> Emqx = ReadHocon("broker/emqx.conf");
    private static readonly ILookup<string, string> Mosquitto = Repository.Read("broker/mosquitto.conf").Split('\n')
        .Where(l => l.Length > 0 && !l.StartsWith('#')).Select(l => l.Split(' ', 2)).ToLookup(l => l[0], l => l[1], StringComparer.Ordinal);

    [Theory]
    [InlineData("retainer.enable", "true")]
    [InlineData("retainer.backend.storage_type", "disc")]
    [InlineData("retainer.backend.max_retained_messages", "0")]
    [InlineData("retainer.msg_expiry_interval", "0s")]
    [InlineData("mqtt.retain_available", "true")]
    [InlineData("mqtt.wildcard_subscription", "true")]
    [InlineData("mqtt.max_inflight", "32")]
    [InlineData("mqtt.session_expiry_interval", "2h")]
    [InlineData("listeners.tcp.default.bind", "0.0.0.0:1883")]
    [InlineData("listeners.ws.default.bind", "0.0.0.0:8083")]
    [InlineData("listeners.ws.default.websocket.mqtt_path", "/mqtt")]
    [InlineData("node.name", "emqx@127.0.0.1")]
    public void Emqx_is_set_up_as_the_protocol_needs(string key, string value) => Assert.Equal(value, Emqx[key]);

    [Theory]
    [InlineData("mqtt.max_packet_size")]
    [InlineData("retainer.max_payload_size")]
    public void Chunks_fit_emqx(string key) =>
        Assert.True(int.Parse(Emqx[key].Replace("MB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) << 20 >= SmallestPacket);

    [Fact]
    public void Queues_of_emqx_hold_what_a_global_replays() => Assert.True(int.Parse(Emqx["mqtt.max_mqueue_len"], CultureInfo.InvariantCulture) >= 10_000);

    [Fact]
    public void The_name_that_emqx_data_belong_to_is_the_one_in_the_compose_file() =>
        Assert.Equal(Emqx["node.name"], new ComposeFile().Services["emqx"].Environment["EMQX_NODE_NAME"]);

    [Fact]
    public void The_topics_fit_the_levels_that_emqx_allows() =>
        Assert.True(int.Parse(Emqx["mqtt.max_topic_levels"], CultureInfo.InvariantCulture) >= 8);

    [Fact]
    public void Mosquitto_listens_on_this_machine_alone_while_it_asks_nobody_who_they_are()
    {
        Assert.Equal(["true"], Mosquitto["allow_anonymous"]);
        Assert.Equal(["1883 127.0.0.1", "8083 127.0.0.1"], Mosquitto["listener"]);
        Assert.Equal(["mqtt", "websockets"], Mosquitto["protocol"]);
    }

    [Fact]
    public void Mosquitto_keeps_retained_messages_and_drops_none()
    {
        Assert.Equal(["true"], Mosquitto["persistence"]);
        Assert.Equal(["true"], Mosquitto["autosave_on_changes"]);
        Assert.InRange(int.Parse(Mosquitto["autosave_interval"].Single(), CultureInfo.InvariantCulture), 1, 1000);
        Assert.True(int.Parse(Mosquitto["max_queued_messages"].Single(), CultureInfo.InvariantCulture) is 0 or >= 10_000);
        Assert.True(int.Parse(Mosquitto["max_packet_size"].Single(), CultureInfo.InvariantCulture) >= SmallestPacket);
    }

    /// <summary>Dotted keys of the part of HOCON that the file uses: blocks and assignments, one on a line.</summary>
    private static Dictionary<string, string> ReadHocon(string file)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var blocks = new Stack<string>();
        foreach (var line in Repository.Read(file).Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0 && !l.StartsWith('#')))
        {
            if (line == "}")
                blocks.Pop();
            else if (Block.Match(line) is { Success: true } block)
                blocks.Push(block.Groups[1].Value);
            else if (Assignment.Match(line) is { Success: true } set)
                values.Add(string.Join('.', blocks.Reverse().Append(set.Groups[1].Value)), set.Groups[2].Value.Trim('"'));
            else
                Assert.Fail($"{file}: '{line}' is neither a block nor an assignment");
        }
        Assert.Empty(blocks);
        return values;
    }

    [GeneratedRegex(@"^([\w.]+) \{$")]
    private static partial Regex Block { get; }

    [GeneratedRegex(@"^([\w.]+) = (\S+|""[^""]*"")$")]
    private static partial Regex Assignment { get; }
}
