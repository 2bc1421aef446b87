using MantaLight.Blobs;
using MantaLight.Protocol;
using MantaLight.Weights;
using MantaLight.Weights.Packing;
using MantaLight.Weights.Sources;

namespace MantaLight.Nodes;

/// <summary>An attempt's weights on their way to and from its node's store, by the codecs of its swarm.</summary>
internal sealed class AttemptCodecs(string swarm, ScheduleAttempt schedule, BlobStore store, KeptFiles kept)
{
    private DeltaBase? unpackedBase;

    /// <summary>How the weights of a tag travel; null for as they are.</summary>
    /// <exception cref="TaskContractException">The schedule message has steps that cannot be.</exception>
    public static PackingPlan? PlanOf(ScheduleAttempt schedule, string tag)
    {
        if (schedule.Codecs?.FirstOrDefault(c => c.Tag == tag) is not { } codec)
            return null;
        var plan = PackingPlan.Parse(codec.Steps, out var problem) ?? throw new TaskContractException($"The codec of '{tag}' cannot be: {problem}.");
        return plan.IsPlain ? null : plan;
    }

    /// <inheritdoc cref="PlanOf(ScheduleAttempt, string)"/>
    public PackingPlan? PlanOf(string tag) => PlanOf(schedule, tag);

    /// <summary>Packs, with what the rounds before have lost.</summary>
    /// <param name="tag">The tag of a result or a global.</param>
    /// <param name="plan">How it travels.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="from">The base of a delta, which the task has read, since it began with it; else null.</param>
    public Packed Pack(string tag, PackingPlan plan, NamedArrays weights, BlobRef? from)
    {
        using var plain = from is null ? null : Plain(tag, plan.Base!, from);
        using var lost = plan.HasErrorFeedback ? kept.Read(swarm, schedule, KeptFiles.NameOfLost(schedule.Alias, tag)) : null;
        return Packer.Pack(plan, weights, plain is null ? null : new DeltaBase(plain, from!.Sha256), lost);
    }

    /// <summary>A global that a result is a difference from, unpacked.</summary>
    /// <exception cref="TaskContractException">The task has not read it.</exception>
    public NamedArrays Plain(string tag, string global, BlobRef blob) => store.Contains(blob.Sha256)
        ? Base(blob)
        : throw new TaskContractException($"Result '{tag}' travels as a difference from global '{global}', which this task has not read.");

    /// <summary>Writes down what this round loses of a tag's weights, for the next one to make up for.</summary>
    public void Lose(string tag, NamedArrays residual) => kept.Write(swarm, schedule, KeptFiles.NameOfLost(schedule.Alias, tag), residual);

    /// <summary>A blob's arrays, packed or not.</summary>
    public NamedArrays Decode(BlobRef blob)
    {
        var mapped = store.Map(blob);
        try
        {
            return WeightsCodec.Decode(mapped.Content, mapped);
        }
        catch
        {
            mapped.Dispose();
            throw;
        }
    }

    /// <summary>The hash of what packed arrays are a difference from; null where they are none.</summary>
    /// <exception cref="MalformedDataException">They are not packed as the swarm has it.</exception>
    public string? BaseOf(string tag, NamedArrays packed)
    {
        var (plan, header) = Unpacker.Describe(packed);
        return PlanOf(tag) == plan
            ? header.Base
            : throw new MalformedDataException($"'{tag}' came packed by {string.Join(", ", plan.Steps)}, which is not the swarm's codec for it.");
    }

    /// <summary>Unpacks.</summary>
    /// <param name="packed">The arrays.</param>
    /// <param name="from">The base of a delta, in the store; else null.</param>
    public NamedArrays Unpack(NamedArrays packed, BlobRef? from)
    {
        using var plain = from is null ? null : Base(from);
        return Unpacker.Unpack(packed, plain is null ? null : new DeltaBase(plain, from!.Sha256));
    }

    /// <summary>Unpacks into a file of the store's, which is gone when the result is disposed.</summary>
    /// <param name="packed">The arrays.</param>
    /// <param name="from">The base of a delta, in the store; else null.</param>
    public WeightsFile UnpackToFile(NamedArrays packed, BlobRef? from)
    {
        using var plain = from is null ? null : Base(from);
        var draft = store.Scratch();
        try
        {
            return WeightsFile.Unpack(draft, packed, plain is null ? null : new DeltaBase(plain, from!.Sha256));
        }
        catch
        {
            draft.Dispose();
            throw;
        }
    }

    private NamedArrays Base(BlobRef blob)
    {
        if (blob.Format == ValueFormat.Weights)
            return Decode(blob);
        // Unpacked once for all contributions; of managed memory, which nobody gives back as long as it is read.
        if (unpackedBase is not { } known || known.Sha256 != blob.Sha256)
        {
            using var packed = Decode(blob);
            unpackedBase = known = new DeltaBase(Unpacker.Unpack(packed, null), blob.Sha256);
        }
        return new NamedArrays(known.Weights);
    }
}
