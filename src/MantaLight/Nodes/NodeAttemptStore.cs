using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Blobs;
using MantaLight.Protocol;
using MantaLight.Tasks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Nodes;

/// <summary>An attempt's reads, from its schedule message and the blobs that it points to; and its staged effects.</summary>
internal sealed class NodeAttemptStore(
    string swarm, ScheduleAttempt schedule, BlobStore store, BlobFetcher fetcher, Residuals residuals, int chunkSize, TimeProvider time) : AttemptStore
{
    private const int MaximumJson = 16 << 20;
    private const int MaximumMissing = 100;

    private readonly ImmutableSortedDictionary<string, GlobalEntry> globals =
        schedule.Globals.ToImmutableSortedDictionary(g => g.Tag, g => g, StringComparer.Ordinal);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly AttemptCodecs codecs = new(swarm, schedule, store, residuals);

    private readonly List<StagedGlobal> stagedGlobals = [];
    private readonly List<StagedResult> stagedResults = [];

    // Blobs that this attempt has read or made, so that the node knows what its round needs.
    private readonly ConcurrentDictionary<string, bool> touched = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, MissingResult> missing = new(StringComparer.Ordinal);
    private volatile bool isClosed;

    /// <summary>Results that could not be fetched.</summary>
    public ImmutableArray<MissingResult> Missing => [.. missing.Values.OrderBy(m => m.Node, StringComparer.Ordinal).Take(MaximumMissing)];

    public ImmutableArray<StagedGlobal> StagedGlobals => [.. stagedGlobals];

    public ImmutableArray<StagedResult> StagedResults => [.. stagedResults];

    public IReadOnlyCollection<string> Touched => [.. touched.Keys.Order(StringComparer.Ordinal)];

    public bool Touches(string hash) => touched.ContainsKey(hash);

    /// <summary>Notes a blob that an earlier process has made for this attempt.</summary>
    public void Touch(string hash) => touched.TryAdd(hash, true);

    public override IReadOnlyCollection<string> GlobalTags => [.. globals.Keys];

    public override async Task<T> ReadGlobalJsonAsync<T>(string tag, Func<JsonElement, T> read, CancellationToken cancellationToken)
    {
        var content = Global(tag).Content;
        if (content.Value is { } value)
            return read(value);
        await FetchGlobalAsync(content.Blob!, cancellationToken);
        return ReadJson($"global '{tag}'", content.Blob!, read);
    }

    public override async Task<NamedArrays> ReadGlobalWeightsAsync(string tag, CancellationToken cancellationToken)
    {
        var content = Global(tag).Content;
        var blob = RequireWeights($"Global '{tag}'", content);
        await FetchGlobalAsync(blob, cancellationToken);
        return await DecodeAsync(tag, blob, null, cancellationToken);
    }

    public override IReadOnlyList<Result> SelectResults(string tag) =>
        [.. schedule.Inputs.Select((input, index) => (input, index)).Where(i => i.input.Staged.Tag == tag)
            .Select(i => new Result(this, i.index, i.input.Node, tag, i.input.Staged.Samples))];

    public override async Task<T> ReadResultJsonAsync<T>(int index, Func<JsonElement, T> read, CancellationToken cancellationToken)
    {
        var input = schedule.Inputs[index];
        if (input.Staged.Content.Value is { } value)
            return read(value);
        await FetchResultAsync(input, cancellationToken);
        return ReadJson($"result '{input.Staged.Tag}' of {input.Node}", input.Staged.Content.Blob!, read);
    }

    public override async Task<NamedArrays> ReadResultWeightsAsync(int index, CancellationToken cancellationToken)
    {
        var input = schedule.Inputs[index];
        var blob = RequireWeights($"Result '{input.Staged.Tag}' of {input.Node}", input.Staged.Content);
        await FetchResultAsync(input, cancellationToken);
        return await DecodeAsync(input.Staged.Tag, blob, input.Staged.Base, cancellationToken);
    }

    public override bool HasResultWeights(int index) =>
        schedule.Inputs[index].Staged.Content.Blob is { Format: ValueFormat.Weights } blob && store.Contains(blob.Sha256);

    public override Task<WeightsSource> OpenResultWeightsAsync(int index, CancellationToken cancellationToken) =>
        OpenAsync(index, (packed, from) => WeightsSource.Of(codecs.Unpack(packed, from)), cancellationToken);

    public override Task<WeightsSource> OpenResultWeightsBesideOthersAsync(int index, CancellationToken cancellationToken) =>
        OpenAsync(index, codecs.UnpackToFile, cancellationToken);

    private async Task<WeightsSource> OpenAsync(int index, Func<NamedArrays, BlobRef?, WeightsSource> unpack, CancellationToken cancellationToken)
    {
        var input = schedule.Inputs[index];
        var blob = RequireWeights($"Result '{input.Staged.Tag}' of {input.Node}", input.Staged.Content);
        await FetchResultAsync(input, cancellationToken);
        if (blob.Format == ValueFormat.Weights)
            return Open(blob);
        using var packed = codecs.Decode(blob);
        return unpack(packed, await FetchBaseAsync(input.Staged.Tag, packed, input.Staged.Base, cancellationToken));
    }

    public override void StageGlobal(string tag, JsonElement value) => Stage(tag, Content(value, $"global '{tag}'"));

    public override void StageGlobal(string tag, NamedArrays weights) => Stage(tag, Content(tag, weights, isGlobal: true).Content);

    public override void StageResult(string tag, JsonElement value) => Stage(new StagedResult { Tag = tag, Content = Content(value, $"result '{tag}'") });

    public override void StageResult(string tag, NamedArrays weights, long samples)
    {
        var (content, from) = Content(tag, weights, isGlobal: false);
        Stage(new StagedResult { Tag = tag, Content = content, Samples = samples, Base = from });
    }

    /// <summary>Whether the attempt is over, while its task goes on: nothing is fetched, kept or staged any more.</summary>
    public bool IsClosed => isClosed;

    public void Close() => isClosed = true;

    /// <exception cref="OperationCanceledException">The attempt is over.</exception>
    public void CheckOpen()
    {
        if (isClosed)
            throw new OperationCanceledException("The attempt is over.");
    }

    private void Stage(string tag, ValueRef content)
    {
        CheckOpen();
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
        CheckOpen();
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
        if (bytes.Length > MaximumJson)
            throw new TaskContractException($"A value has {bytes.Length} bytes of JSON where at most {MaximumJson} can be shared.");
        return new ValueRef { Blob = Keep(new ReadOnlySequence<byte>(bytes), ValueFormat.Json) };
    }

    private (ValueRef Content, BlobRef? Base) Content(string tag, NamedArrays weights, bool isGlobal)
    {
        if (codecs.PlanOf(tag) is not { } plan)
            return (new ValueRef { Blob = Keep(WeightsCodec.Encode(weights), ValueFormat.Weights) }, null);
        if (isGlobal && plan.IsDelta)
            throw new TaskContractException($"Global '{tag}' cannot travel as a delta: whoever joins later has nothing to add it to.");
        var from = plan.Base is { } global ? RequireWeights($"Global '{global}'", Global(global).Content) : null;
        var (packed, residual) = codecs.Pack(tag, plan, weights, from);
        using (packed)
        using (residual)
        {
            var content = new ValueRef { Blob = Keep(WeightsCodec.Encode(packed), ValueFormat.Packed) };
            if (residual is not null)
                residuals.Write(swarm, schedule, tag, residual);
            return (content, from);
        }
    }

    private BlobRef Keep(ReadOnlySequence<byte> bytes, string format)
    {
        CheckOpen();
        var blob = store.Write(bytes, chunkSize, format);
        touched.TryAdd(blob.Sha256, true);
        // The same content of an earlier attempt may just have been dropped: now that it is known as needed, it stays.
        return store.Contains(blob.Sha256) ? blob : store.Write(bytes, chunkSize, format);
    }

    private Task FetchGlobalAsync(BlobRef blob, CancellationToken cancellationToken)
    {
        touched.TryAdd(blob.Sha256, true);
        // What is committed is to be had: the coordinator puts back what the broker has lost, and the deadline bounds the wait.
        return PatientlyAsync(
            () => fetcher.FetchGlobalAsync(swarm, blob, schedule.From, cancellationToken),
            e => e is BlobUnavailableException or BrokerConnectionLostException,
            cancellationToken);
    }

    private async Task FetchResultAsync(ScheduledInput input, CancellationToken cancellationToken)
    {
        var hash = input.Staged.Content.Blob!.Sha256;
        touched.TryAdd(hash, true);
        try
        {
            await PatientlyAsync(
                () => fetcher.FetchResultAsync(input.Node, input.Staged.Content.Blob!, cancellationToken), e => e is BrokerConnectionLostException, cancellationToken);
        }
        catch (Exception e) when (e is BlobUnavailableException or MalformedDataException)
        {
            missing.TryAdd($"{input.Node}/{hash}", new MissingResult { Node = input.Node, Sha256 = hash });
            throw;
        }
    }

    private async Task PatientlyAsync(Func<Task> fetch, Predicate<Exception> isPassing, CancellationToken cancellationToken)
    {
        while (true)
        {
            CheckOpen();
            try
            {
                await fetch();
                return;
            }
            catch (MantaLightException e) when (isPassing(e))
            {
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    private async Task<NamedArrays> DecodeAsync(string tag, BlobRef blob, BlobRef? sentBase, CancellationToken cancellationToken)
    {
        var arrays = codecs.Decode(blob);
        if (blob.Format == ValueFormat.Weights)
            return arrays;
        using (arrays)
            return codecs.Unpack(arrays, await FetchBaseAsync(tag, arrays, sentBase, cancellationToken));
    }

    /// <summary>What packed arrays are a difference from, if anything: a global of this task's or, where that has been replaced since, the one that came with them.</summary>
    private async Task<BlobRef?> FetchBaseAsync(string tag, NamedArrays packed, BlobRef? sent, CancellationToken cancellationToken)
    {
        if (codecs.BaseOf(tag, packed) is not { } hash)
            return null;
        if (globals.Values.Select(g => g.Content.Blob).FirstOrDefault(b => b is { HoldsWeights: true } && b.Sha256 == hash) is { } own)
        {
            await FetchGlobalAsync(own, cancellationToken);
            return own;
        }
        if (sent is null || sent.Sha256 != hash)
            throw new IncompatibleWeightsException($"'{tag}' is a difference from {hash}, which is no global that this task has, and came without it.");
        // A contributor's word alone must not cost this node more than a model does.
        if (sent.Size > LargestBase())
            throw new IncompatibleWeightsException($"'{tag}' is a difference from {sent.Size} bytes, where no global that this task has is near as large.");
        touched.TryAdd(hash, true);
        try
        {
            // Nobody puts back what is no global any more: it is there until the round is over, or it is not.
            await PatientlyAsync(() => fetcher.FetchGlobalAsync(swarm, sent, schedule.From, cancellationToken), e => e is BrokerConnectionLostException, cancellationToken);
        }
        catch (BlobUnavailableException e)
        {
            throw new IncompatibleWeightsException($"'{tag}' is a difference from {hash}, which has been replaced and is not to be had any more.", e);
        }
        return sent;
    }

    // Packed ones may be an eighth of what they were, or of what the one before them was.
    private long LargestBase() => 8 * globals.Values.Select(g => g.Content.Blob).Where(b => b is { HoldsWeights: true }).Select(b => b!.Size).DefaultIfEmpty(0).Max();

    private WeightsFile Open(BlobRef blob)
    {
        var file = store.TryOpen(blob.Sha256) ?? throw new BlobUnavailableException($"Blob {blob.Sha256} is not in this node's store.");
        try
        {
            using var mapped = store.Map(blob);
            return WeightsFile.Open(file, mapped.Content);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private T ReadJson<T>(string what, BlobRef blob, Func<JsonElement, T> read)
    {
        if (blob.Format != ValueFormat.Json || blob.Size > MaximumJson)
            throw new TaskContractException($"The {what} holds {blob.Format} of {blob.Size} bytes, not a JSON value.");
        using var mapped = store.Map(blob);
        try
        {
            using var document = JsonDocument.Parse(mapped.Content, new JsonDocumentOptions { MaxDepth = 32 });
            return read(document.RootElement.Clone());
        }
        catch (JsonException e)
        {
            throw new MalformedDataException($"The {what} is not JSON: {e.Message}", e);
        }
    }

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
