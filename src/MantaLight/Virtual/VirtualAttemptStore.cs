using System.Text.Json;
using MantaLight.Aggregation;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Tasks;
using MantaLight.Weights;
using MantaLight.Weights.Packing;

namespace MantaLight.Virtual;

/// <summary>A virtual node's attempt: reads what others have shared, and stages its effects, which come to others when it has succeeded.</summary>
internal sealed class VirtualAttemptStore(string node, ScheduleAttempt schedule, SharedValues shared) : AttemptStore
{
    private readonly List<StagedGlobal> globals = [];
    private readonly List<StagedResult> results = [];
    private readonly Dictionary<(bool IsGlobal, string Tag), StagedValue> weights = [];
    private readonly Dictionary<string, NamedArrays> kept = new(StringComparer.Ordinal);

    // A task that was left behind may still stage.
    private readonly Lock gate = new();
    private bool isClosed;

    public IReadOnlyList<StagedGlobal> Globals => globals;

    public IReadOnlyList<StagedResult> Results => results;

    /// <summary>Bytes that a node of its own would have sent and received for it.</summary>
    public (long Sent, long Received) Traffic { get; private set; }

    public override IReadOnlyCollection<string> GlobalTags => [.. schedule.Globals.Select(g => g.Tag)];

    public override Task<T> ReadGlobalJsonAsync<T>(string tag, Func<JsonElement, T> read, CancellationToken cancellationToken) =>
        Task.FromResult(read(Json($"Global '{tag}'", Global(tag).Content)));

    public override Task<NamedArrays> ReadGlobalWeightsAsync(string tag, CancellationToken cancellationToken) =>
        Task.FromResult(Read($"Global '{tag}'", Global(tag).Content));

    public override IReadOnlyList<Result> SelectResults(string tag) =>
        [.. schedule.Inputs.Index().Where(i => i.Item.Staged.Tag == tag).Select(i => new Result(this, i.Index, i.Item.Node, tag, i.Item.Staged.Samples) { Round = i.Item.Round ?? schedule.Round, DifferenceFrom = i.Item.Staged.DifferenceFrom })];

    public override Task<T> ReadResultJsonAsync<T>(int index, Func<JsonElement, T> read, CancellationToken cancellationToken) =>
        Task.FromResult(read(Json($"Result '{schedule.Inputs[index].Staged.Tag}'", schedule.Inputs[index].Staged.Content)));

    public override Task<NamedArrays> ReadResultWeightsAsync(int index, CancellationToken cancellationToken) =>
        Task.FromResult(Read($"Result '{schedule.Inputs[index].Staged.Tag}'", schedule.Inputs[index].Staged.Content));

    public override bool HasResultWeights(int index) => schedule.Inputs[index].Staged.Content.Blob is not null;

    /// <summary>Shares what was staged where the attempt has succeeded, and gives it back where not. Whatever the task does from here on has no effect.</summary>
    public void End(bool hasSucceeded)
    {
        lock (gate)
        {
            if (isClosed)
                return;
            isClosed = true;
            foreach (var value in weights.Values)
            {
                if (hasSucceeded)
                    shared.Share(value);
                else
                    value.Drop();
            }
            foreach (var (name, value) in kept.Where(_ => hasSucceeded))
                shared.Kept.Write(node, schedule, name, value);
        }
    }

    /// <summary>Keeps a value for the node itself.</summary>
    /// <exception cref="TaskContractException">The name is another task's, or there are too many.</exception>
    public void Keep(string name, NamedArrays value)
    {
        lock (gate)
        {
            RequireOpen(null);
            shared.Kept.Require(node, schedule, name, more: kept.ContainsKey(name) ? 0 : kept.Count);
            kept[name] = value;
        }
    }

    public override void StageGlobal(string tag, JsonElement value) => Stage(new StagedGlobal { Tag = tag, Content = new ValueRef { Value = value } }, null);

    public override void StageGlobal(string tag, NamedArrays weights)
    {
        RequireOne(tag);
        if (AttemptCodecs.PlanOf(schedule, tag) is not { } plan)
        {
            Stage(tag, shared.StageGlobal(weights, WeightsCodec.Encode(weights), ValueFormat.Weights));
            return;
        }
        if (plan.IsDelta)
            throw new TaskContractException($"Global '{tag}' cannot travel as a delta: whoever joins later has nothing to add it to.");
        using var packed = Packer.Pack(plan, weights, null, null).Weights;
        // What readers make of it.
        using var unpacked = Unpacker.Unpack(packed, null);
        Stage(tag, shared.StageGlobal(unpacked, WeightsCodec.Encode(packed), ValueFormat.Packed));
    }

    public override void StageResult(string tag, JsonElement value) => Stage(new StagedResult { Tag = tag, Content = new ValueRef { Value = value } }, null, null);

    public override void StageResult(string tag, NamedArrays weights, long samples)
    {
        using var difference = DifferenceOf(tag, weights);
        var (value, residual) = Pack(tag, difference ?? weights);
        Stage(new StagedResult { Tag = tag, Samples = samples, Content = new ValueRef { Blob = value.Blob }, DifferenceFrom = difference is null ? null : Differences.GlobalOf(tag) }, value, residual);
    }

    private NamedArrays? DifferenceOf(string tag, NamedArrays weights)
    {
        if (schedule.MaximumStaleness is null || !GlobalTags.Contains(Differences.GlobalOf(tag)))
            return null;
        using var from = shared.Read(RequireWeights($"Global '{Differences.GlobalOf(tag)}'", Global(Differences.GlobalOf(tag)).Content));
        return ModelDifference.Of(weights, from);
    }

    private (StagedValue Value, NamedArrays? Residual) Pack(string tag, NamedArrays weights)
    {
        if (AttemptCodecs.PlanOf(schedule, tag) is not { } plan)
            return (shared.StageResult(weights, WeightsCodec.Encode(weights).Length, ValueFormat.Weights, node, schedule, tag), null);
        var blob = plan.Base is { } global ? RequireWeights($"Global '{global}'", Global(global).Content) : null;
        using var from = blob is null ? null : shared.Read(blob);
        var reference = from is null ? null : new DeltaBase(from, blob!.Sha256);
        var (packed, residual) = Packer.Pack(plan, weights, reference, plan.HasErrorFeedback ? shared.Kept.Read(node, schedule, KeptFiles.NameOfLost(schedule.Alias, tag), new HashSet<string>()) : null);
        using var sent = packed;
        using var unpacked = Unpacker.Unpack(packed, reference);
        return (shared.StageResult(unpacked, WeightsCodec.Encode(packed).Length, ValueFormat.Packed, node, schedule, tag), residual);
    }

    private void Stage(string tag, StagedValue value) => Stage(new StagedGlobal { Tag = tag, Content = new ValueRef { Blob = value.Blob } }, value);

    private void Stage(StagedGlobal global, StagedValue? value)
    {
        RequireOne(global.Tag);
        lock (gate)
        {
            RequireOpen(value);
            globals.RemoveAll(g => g.Tag == global.Tag);
            globals.Add(global);
            if (weights.Remove((true, global.Tag), out var before))
                before.Drop();
            Put(true, global.Tag, value);
        }
    }

    private void Stage(StagedResult result, StagedValue? value, NamedArrays? residual)
    {
        lock (gate)
        {
            RequireOpen(value);
            if (results.Exists(r => r.Tag == result.Tag))
            {
                value?.Drop();
                throw new TaskContractException($"The attempt has already added a result '{result.Tag}'.");
            }
            results.Add(result);
            if (residual is not null)
                kept[KeptFiles.NameOfLost(schedule.Alias, result.Tag)] = residual;
            Put(false, result.Tag, value);
        }
    }

    private void Put(bool isGlobal, string tag, StagedValue? value)
    {
        if (value is null)
            return;
        weights.Add((isGlobal, tag), value);
        Traffic = (Traffic.Sent + value.Blob.Size, Traffic.Received);
    }

    private void RequireOpen(StagedValue? value)
    {
        if (!isClosed)
            return;
        value?.Drop();
        throw new OperationCanceledException("The attempt is over.");
    }

    private void RequireOne(string tag)
    {
        if (!schedule.MaySetGlobals)
            throw new TaskContractException($"Task '{schedule.Alias}' runs on several nodes, so it cannot set global '{tag}'.");
    }

    private NamedArrays Read(string what, ValueRef content)
    {
        var blob = RequireWeights(what, content);
        Traffic = (Traffic.Sent, Traffic.Received + blob.Size);
        return shared.Read(blob);
    }

    private static BlobRef RequireWeights(string what, ValueRef content) => content.Blob is { HoldsWeights: true } blob
        ? blob
        : throw new TaskContractException($"{what} holds JSON, not weights.");

    private static JsonElement Json(string what, ValueRef content) => content.Value ?? throw new TaskContractException($"{what} holds weights, not a JSON value.");

    private GlobalEntry Global(string tag) => schedule.Globals.FirstOrDefault(g => g.Tag == tag)
        ?? throw new TaskContractException($"There is no global '{tag}'; there are: {string.Join(", ", GlobalTags)}.");
}
