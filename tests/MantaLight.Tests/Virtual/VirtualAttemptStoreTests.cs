using System.Text.Json;
using MantaLight.Blobs;
using MantaLight.Protocol;
using MantaLight.Tasks;
using MantaLight.Virtual;
using MantaLight.Weights;

namespace MantaLight.Tests.Virtual;

/// <summary>What a virtual node's attempt leaves to others.</summary>
public sealed class VirtualAttemptStoreTests : IDisposable
{
    private readonly SharedValues shared = new();

    public void Dispose() => shared.Dispose();

    [Fact]
    public void What_a_failed_attempt_has_staged_is_shared_with_nobody()
    {
        var store = Store();
        store.StageGlobal("g", Weights(1));
        store.StageResult("r", Weights(2), samples: 1);
        store.End(hasSucceeded: false);
        Assert.Throws<BlobUnavailableException>(() => shared.Read(store.Globals[0].Content.Blob!));
        Assert.Throws<BlobUnavailableException>(() => shared.Read(store.Results[0].Content.Blob!));
    }

    [Fact]
    public void A_failed_attempt_takes_nothing_from_who_has_set_the_same_bytes()
    {
        var (good, bad) = (Store(), Store());
        good.StageGlobal("g", Weights(1));
        bad.StageGlobal("g", Weights(1));
        good.End(hasSucceeded: true);
        bad.End(hasSucceeded: false);
        using var read = shared.Read(good.Globals[0].Content.Blob!);
        Assert.Equal(1, read[0].Span<float>()[0]);
    }

    [Fact]
    public void An_attempt_that_is_over_stages_nothing()
    {
        var store = Store();
        store.End(hasSucceeded: true);
        Assert.Throws<OperationCanceledException>(() => store.StageGlobal("g", Weights(1)));
        Assert.Empty(store.Globals);
    }

    [Fact]
    public void A_codec_without_steps_leaves_weights_as_they_are()
    {
        var store = Store();
        store.StageResult("r", Weights(1), samples: 1);
        Assert.Equal(ValueFormat.Weights, store.Results[0].Content.Blob!.Format);
    }

    [Fact]
    public void A_delta_from_a_global_that_is_no_weights_is_refused_in_plain_words()
    {
        var refused = Assert.Throws<TaskContractException>(() => Store("delta", "int8").StageResult("r", Weights(1), samples: 1));
        Assert.Equal("Global 'global_model_params' holds JSON, not weights.", refused.Message);
    }

    private VirtualAttemptStore Store(params string[] steps) => new("node", new ScheduleAttempt
    {
        Alias = "a", Round = 1, Attempt = "a.1", MaySetGlobals = true, Codecs = [new TagCodec { Tag = "r", Steps = [.. steps] }],
        Globals = [new GlobalEntry { Tag = "global_model_params", Content = new ValueRef { Value = JsonSerializer.SerializeToElement(1) } }],
    }, shared);

    private static NamedArrays Weights(float value) => Shared.Vector.Of(value);
}
