using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Aggregation;
using MantaLight.Protocol;
using MantaLight.Tasks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Nodes;

/// <summary>An attempt's reads, from its schedule message and the blobs that it points to; and its staged effects.</summary>
internal sealed class NodeAttemptStore(ScheduleAttempt schedule, AttemptBlobs blobs, AttemptCodecs codecs) : AttemptStore
{
    private readonly ImmutableSortedDictionary<string, GlobalEntry> globals =
        schedule.Globals.ToImmutableSortedDictionary(g => g.Tag, g => g, StringComparer.Ordinal);

    private readonly List<StagedGlobal> stagedGlobals = [];
    private readonly List<StagedResult> stagedResults = [];

    public ImmutableArray<StagedGlobal> StagedGlobals => [.. stagedGlobals];

    public ImmutableArray<StagedResult> StagedResults => [.. stagedResults];

    public override IReadOnlyCollection<string> GlobalTags => [.. globals.Keys];

    public override async Task<T> ReadGlobalJsonAsync<T>(string tag, Func<JsonElement, T> read, CancellationToken cancellationToken)
    {
        var content = Global(tag).Content;
        if (content.Value is { } value)
            return read(value);
        await blobs.FetchGlobalAsync(content.Blob!, cancellationToken);
        return blobs.ReadJson($"global '{tag}'", content.Blob!, read);
    }

    public override async Task<NamedArrays> ReadGlobalWeightsAsync(string tag, CancellationToken cancellationToken)
    {
        var content = Global(tag).Content;
        var blob = RequireWeights($"Global '{tag}'", content);
        await blobs.FetchGlobalAsync(blob, cancellationToken);
        return await DecodeAsync(tag, blob, null, cancellationToken);
    }

    public override IReadOnlyList<Result> SelectResults(string tag) =>
        [.. schedule.Inputs.Select((input, index) => (input, index)).Where(i => i.input.Staged.Tag == tag)
            .Select(i => new Result(this, i.index, i.input.Node, tag, i.input.Staged.Samples) { Round = i.input.Round ?? schedule.Round, DifferenceFrom = i.input.Staged.DifferenceFrom })];

    public override async Task<T> ReadResultJsonAsync<T>(int index, Func<JsonElement, T> read, CancellationToken cancellationToken)
    {
        var input = schedule.Inputs[index];
        if (input.Staged.Content.Value is { } value)
            return read(value);
        await blobs.FetchResultAsync(input, cancellationToken);
        return blobs.ReadJson($"result '{input.Staged.Tag}' of {input.Node}", input.Staged.Content.Blob!, read);
    }

    public override async Task<NamedArrays> ReadResultWeightsAsync(int index, CancellationToken cancellationToken)
    {
        var input = schedule.Inputs[index];
        var blob = RequireWeights($"Result '{input.Staged.Tag}' of {input.Node}", input.Staged.Content);
        await blobs.FetchResultAsync(input, cancellationToken);
        return await DecodeAsync(input.Staged.Tag, blob, input.Staged.Base, cancellationToken);
    }

    public override bool HasResultWeights(int index) =>
        schedule.Inputs[index].Staged.Content.Blob is { Format: ValueFormat.Weights } blob && blobs.Contains(blob);

    public override Task<WeightsSource> OpenResultWeightsAsync(int index, CancellationToken cancellationToken) =>
        OpenAsync(index, (packed, from) => WeightsSource.Of(codecs.Unpack(packed, from)), cancellationToken);

    public override Task<WeightsSource> OpenResultWeightsBesideOthersAsync(int index, CancellationToken cancellationToken) =>
        OpenAsync(index, codecs.UnpackToFile, cancellationToken);

    private async Task<WeightsSource> OpenAsync(int index, Func<NamedArrays, BlobRef?, WeightsSource> unpack, CancellationToken cancellationToken)
    {
        var input = schedule.Inputs[index];
        var blob = RequireWeights($"Result '{input.Staged.Tag}' of {input.Node}", input.Staged.Content);
        await blobs.FetchResultAsync(input, cancellationToken);
        if (blob.Format == ValueFormat.Weights)
            return blobs.Open(blob);
        using var packed = codecs.Decode(blob);
        return unpack(packed, await BaseOfAsync(input.Staged.Tag, packed, input.Staged.Base, cancellationToken));
    }

    public override void StageGlobal(string tag, JsonElement value) => Stage(tag, Content(value, $"global '{tag}'"));

    public override void StageGlobal(string tag, NamedArrays weights) => Stage(tag, Content(tag, weights, isGlobal: true).Content);

    public override void StageResult(string tag, JsonElement value) => Stage(new StagedResult { Tag = tag, Content = Content(value, $"result '{tag}'") });

    public override void StageResult(string tag, NamedArrays weights, long samples)
    {
        using var difference = DifferenceOf(tag, weights);
        var (content, from) = Content(tag, difference ?? weights, isGlobal: false);
        Stage(new StagedResult { Tag = tag, Content = content, Samples = samples, Base = from, DifferenceFrom = difference is null ? null : Differences.GlobalOf(tag) });
    }

    // Whoever combines what comes late has another model by then.
    private NamedArrays? DifferenceOf(string tag, NamedArrays weights)
    {
        if (schedule.MaximumStaleness is null || !globals.TryGetValue(Differences.GlobalOf(tag), out var global))
            return null;
        using var from = codecs.Plain(tag, global.Tag, RequireWeights($"Global '{global.Tag}'", global.Content));
        return ModelDifference.Of(weights, from);
    }

    private void Stage(string tag, ValueRef content)
    {
        blobs.CheckOpen();
        RequireTag(tag);
        if (!schedule.MaySetGlobals)
        {
            throw new TaskContractException(
                $"Task '{schedule.Alias}' runs on several nodes, so it cannot set global '{tag}': which node's value would stand? Add a result, and let a task on one node set the global from the results.");
        }
        stagedGlobals.RemoveAll(g => g.Tag == tag);
        stagedGlobals.Add(new StagedGlobal { Tag = tag, Content = content });
    }

    private void Stage(StagedResult result)
    {
        blobs.CheckOpen();
        RequireTag(result.Tag);
        if (stagedResults.Exists(r => r.Tag == result.Tag))
            throw new TaskContractException($"The attempt has already added a result '{result.Tag}'.");
        stagedResults.Add(result);
    }

    private ValueRef Content(JsonElement value, string what)
    {
        if (value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined)
            throw new TaskContractException($"The {what} is null. null cannot be shared; leave the value out.");
        var bytes = JsonSerializer.SerializeToUtf8Bytes(value, TaskJson.Options);
        if (bytes.Length <= ValueRef.MaximumInline)
            return new ValueRef { Value = value };
        if (bytes.Length > AttemptBlobs.MaximumJson)
            throw new TaskContractException($"A value has {bytes.Length} bytes of JSON where at most {AttemptBlobs.MaximumJson} can be shared.");
        return new ValueRef { Blob = blobs.Keep(new ReadOnlySequence<byte>(bytes), ValueFormat.Json) };
    }

    private (ValueRef Content, BlobRef? Base) Content(string tag, NamedArrays weights, bool isGlobal)
    {
        if (codecs.PlanOf(tag) is not { } plan)
            return (new ValueRef { Blob = blobs.Keep(WeightsCodec.Encode(weights), ValueFormat.Weights) }, null);
        if (isGlobal && plan.IsDelta)
            throw new TaskContractException($"Global '{tag}' cannot travel as a delta: whoever joins later has nothing to add it to.");
        var from = plan.Base is { } global ? RequireWeights($"Global '{global}'", Global(global).Content) : null;
        var (packed, residual) = codecs.Pack(tag, plan, weights, from);
        using (packed)
        using (residual)
        {
            var content = new ValueRef { Blob = blobs.Keep(WeightsCodec.Encode(packed), ValueFormat.Packed) };
            if (residual is not null)
                codecs.Lose(tag, residual);
            return (content, from);
        }
    }

    private async Task<NamedArrays> DecodeAsync(string tag, BlobRef blob, BlobRef? sentBase, CancellationToken cancellationToken)
    {
        var arrays = codecs.Decode(blob);
        if (blob.Format == ValueFormat.Weights)
            return arrays;
        using (arrays)
            return codecs.Unpack(arrays, await BaseOfAsync(tag, arrays, sentBase, cancellationToken));
    }

    /// <summary>What packed arrays are a difference from, now in the store; null where they are none.</summary>
    private async Task<BlobRef?> BaseOfAsync(string tag, NamedArrays packed, BlobRef? sent, CancellationToken cancellationToken) =>
        codecs.BaseOf(tag, packed) is { } hash ? await blobs.FetchBaseAsync(tag, hash, sent, cancellationToken) : null;

    private GlobalEntry Global(string tag) => globals.TryGetValue(tag, out var entry)
        ? entry
        : throw new TaskContractException($"There is no global '{tag}'; there are: {(globals.IsEmpty ? "none" : string.Join(", ", globals.Keys))}.");

    private static BlobRef RequireWeights(string what, ValueRef content) => content.Blob is { HoldsWeights: true } blob
        ? blob
        : throw new TaskContractException($"{what} holds JSON, not weights.");

    private static void RequireTag(string tag)
    {
        if (!Identifier.IsValid(tag))
            throw new TaskContractException($"'{tag}' cannot be a tag: {Identifier.Form} are expected.");
    }
}
