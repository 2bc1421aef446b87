using System.Buffers;
using System.Text;
using System.Text.Json.Serialization;
using MantaLight.Protocol;

namespace MantaLight.Tests.Protocol;

public sealed class AbsentAndNullTests
{
    public static TheoryData<string> Types =>
        [.. typeof(ControlMessage).GetCustomAttributes(typeof(JsonDerivedTypeAttribute), false).Cast<JsonDerivedTypeAttribute>().Select(a => (string)a.TypeDiscriminator!)];

    [Theory]
    [MemberData(nameof(Types))]
    public void What_a_message_lacks_has_its_default(string type)
    {
        var message = Read($$"""{ "type": "{{type}}" }""", out var problem);

        Assert.Null(problem);
        var fresh = (ControlMessage)Activator.CreateInstance(message!.GetType())!;
        // Arrays that were never made would throw here, as they would in whoever reads them.
        Assert.Equal(Encoding.UTF8.GetString(ProtocolJson.Write(fresh)), Encoding.UTF8.GetString(ProtocolJson.Write(message)));
    }

    [Fact]
    public void What_a_part_of_a_message_lacks_has_its_default()
    {
        var state = Assert.IsType<SwarmState>(Read("""{ "type": "state", "tasks": [{}], "globals": [{}], "history": [{}] }""", out _));

        Assert.Empty(state.Tasks[0].Nodes);
        Assert.Empty(state.Tasks[0].Troubles);
        Assert.False(state.Globals[0].Content.IsSound());
        Assert.Empty(state.History[0].Metrics);
        Assert.Empty(state.History[0].LeftOut);
    }

    [Theory]
    [InlineData("""{ "type": "presence", "modules": null }""")]
    [InlineData("""{ "type": "presence", "from": null }""")]
    [InlineData("""{ "type": "presence", "modules": ["a", null] }""")]
    [InlineData("""{ "type": "presence", "datasets": [null] }""")]
    [InlineData("""{ "type": "state", "lost": [null] }""")]
    [InlineData("""{ "type": "presence", "resources": null }""")]
    [InlineData("""{ "type": "presence", "status": 0 }""")]
    [InlineData("""{ "type": "presence", "v": 2 }""")]
    [InlineData("""{ "type": "somebody_else's" }""")]
    [InlineData("""{ "v": 1 }""")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    public void A_message_that_would_hurt_its_readers_is_refused_with_the_reason(string json)
    {
        Assert.Null(Read(json, out var problem));
        Assert.NotEmpty(problem!);
    }

    private static ControlMessage? Read(string json, out string? problem) =>
        ProtocolJson.Read<ControlMessage>(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(json)), out problem);
}
