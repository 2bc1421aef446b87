using System.Text.Json;
using MantaLight.Protocol;
using MantaLight.Tasks;
using MantaLight.Weights;
using MantaLight.Weights.Packing;

namespace MantaLight.Virtual;

/// <summary>A virtual node's attempt: reads what others have shared, and stages its effects.</summary>
internal sealed class VirtualAttemptStore(string node, ScheduleAttempt schedule, SharedValues shared) : AttemptStore
{
    private readonly List<StagedGlobal> globals = [];
    private readonly List<StagedResult> results = [];

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
        [.. schedule.Inputs.Index().Where(i => i.Item.Staged.Tag == tag).Select(i => new Result(this, i.Index, i.Item.Node, tag, i.Item.Staged.Samples))];

    public override Task<T> ReadResultJsonAsync<T>(int index, Func<JsonElement, T> read, CancellationToken cancellationToken) =>
        Task.FromResult(read(Json($"Result '{schedule.Inputs[index].Staged.Tag}'", schedule.Inputs[index].Staged.Content)));

    public override Task<NamedArrays> ReadResultWeightsAsync(int index, CancellationToken cancellationToken) =>
        Task.FromResult(Read($"Result '{schedule.Inputs[index].Staged.Tag}'", schedule.Inputs[index].Staged.Content));

    public override bool HasResultWeights(int index) => schedule.Inputs[index].Staged.Content.Blob is not null;

    public override void StageGlobal(string tag, JsonElement value) => Stage(new StagedGlobal { Tag = tag, Content = new ValueRef { Value = value } });

    public override void StageGlobal(string tag, NamedArrays weights)
    {
        RequireOne(tag);
        if (PlanOf(tag) is not { } plan)
        {
            Stage(Global(tag, shared.AddGlobal(weights, WeightsCodec.Encode(weights), ValueFormat.Weights)));
            return;
        }
        if (plan.IsDelta)
            throw new TaskContractException($"Global '{tag}' cannot travel as a delta: whoever joins later has nothing to add it to.");
        using var packed = Packer.Pack(plan, weights, null, null).Weights;
        // What readers make of it.
        using var unpacked = Unpacker.Unpack(packed, null);
        Stage(Global(tag, shared.AddGlobal(unpacked, WeightsCodec.Encode(packed), ValueFormat.Packed)));
    }

    public override void StageResult(string tag, JsonElement value) => results.Add(new StagedResult { Tag = tag, Content = new ValueRef { Value = value } });

    public override void StageResult(string tag, NamedArrays weights, long samples) =>
        results.Add(new StagedResult { Tag = tag, Samples = samples, Content = new ValueRef { Blob = Sent(Share(tag, weights)) } });

    private BlobRef Share(string tag, NamedArrays weights)
    {
        if (PlanOf(tag) is not { } plan)
            return shared.AddResult(weights, WeightsCodec.Encode(weights).Length, ValueFormat.Weights, schedule, tag);
        using var from = plan.Base is { } global ? shared.Read(Global(global).Content.Blob!) : null;
        var reference = from is null ? null : new DeltaBase(from, Global(plan.Base!).Content.Blob!.Sha256);
        var (packed, residual) = Packer.Pack(plan, weights, reference, plan.HasErrorFeedback ? shared.Residuals.Read(node, schedule, tag) : null);
        using var sent = packed;
        if (residual is not null)
            shared.Residuals.Write(node, schedule, tag, residual);
        using var unpacked = Unpacker.Unpack(packed, reference);
        return shared.AddResult(unpacked, WeightsCodec.Encode(packed).Length, ValueFormat.Packed, schedule, tag);
    }

    private PackingPlan? PlanOf(string tag) => schedule.Codecs?.FirstOrDefault(c => c.Tag == tag) is { } codec
        ? PackingPlan.Parse(codec.Steps, out var problem) ?? throw new TaskContractException($"The codec of '{tag}' cannot be: {problem}.")
        : null;

    private StagedGlobal Global(string tag, BlobRef blob) => new() { Tag = tag, Content = new ValueRef { Blob = Sent(blob) } };

    private void Stage(StagedGlobal global)
    {
        RequireOne(global.Tag);
        globals.RemoveAll(g => g.Tag == global.Tag);
        globals.Add(global);
    }

    private void RequireOne(string tag)
    {
        if (!schedule.MaySetGlobals)
            throw new TaskContractException($"Task '{schedule.Alias}' runs on several nodes, so it cannot set global '{tag}'.");
    }

    private BlobRef Sent(BlobRef blob)
    {
        Traffic = (Traffic.Sent + blob.Size, Traffic.Received);
        return blob;
    }

    private NamedArrays Read(string what, ValueRef content)
    {
        if (content.Blob is not { } blob)
            throw new TaskContractException($"{what} holds JSON, not weights.");
        Traffic = (Traffic.Sent, Traffic.Received + blob.Size);
        return shared.Read(blob);
    }

    private static JsonElement Json(string what, ValueRef content) => content.Value ?? throw new TaskContractException($"{what} holds weights, not a JSON value.");

    private GlobalEntry Global(string tag) => schedule.Globals.FirstOrDefault(g => g.Tag == tag)
        ?? throw new TaskContractException($"There is no global '{tag}'; there are: {string.Join(", ", GlobalTags)}.");
}
