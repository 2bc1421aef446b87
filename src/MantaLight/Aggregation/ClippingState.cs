using MantaLight.Aggregation.Noise;
using MantaLight.Aggregation.Plans;
using MantaLight.Aggregation.Rules;
using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>The norm of an <see cref="AdaptiveClip"/> from round to round: a global beside the model, committed with it.</summary>
internal sealed class ClippingState
{
    private readonly AdaptiveClip clip;
    private readonly PrivateMean? rule;
    private readonly string global;

    private ClippingState(AdaptiveClip clip, PrivateMean? rule, string global, double norm) => (this.clip, this.rule, this.global, Norm) = (clip, rule, global, norm);

    /// <summary>This round's.</summary>
    public double Norm { get; }

    /// <summary>The multiplier of the noise on the sum; null where the rule is not private.</summary>
    public double? SumNoise => rule is null ? null : AdaptiveClip.SumNoise(rule.Privacy.Mechanism.Noise, CountNoise);

    private double CountNoise => clip.CountNoiseFor(rule!.Expected, rule.Privacy.Mechanism.Noise);

    /// <summary>The norm that the rounds before have come to, or the initial one.</summary>
    /// <param name="world">Where the global is.</param>
    /// <param name="clip">How the norm changes.</param>
    /// <param name="rule">The rule where it is private, so that the count gets noise; null where it is not.</param>
    /// <param name="model">The model's tag.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="TaskContractException">The global is no such norm.</exception>
    public static async Task<ClippingState> ReadAsync(World world, AdaptiveClip clip, PrivateMean? rule, string model, CancellationToken cancellationToken)
    {
        var global = $"{model}_clip";
        if (!world.Globals.Contains(global))
            return new ClippingState(clip, rule, global, clip.Initial);
        var norm = (await world.Globals.GetAsync<Told>(global, cancellationToken)).Norm;
        return norm is > 0 and < double.PositiveInfinity
            ? new ClippingState(clip, rule, global, norm)
            : throw new TaskContractException($"The global '{global}' is no clipping norm: {norm}. Remove it, or start the swarm anew.");
    }

    /// <summary>Sets the next round's, and tells both.</summary>
    public void Adapt(World world, IReadOnlyList<double> lengths, ulong seed)
    {
        Span<double> noise = [0];
        if (rule is not null)
        {
            // A row that no array of a model has.
            (rule.Privacy.IsSeeded ? NoiseSource.OfSeed(seed) : NoiseSource.Secret).Fill(noise, int.MaxValue, 0);
            noise[0] *= CountNoise;
        }
        var next = clip.Next(Norm, lengths, rule?.Expected ?? lengths.Count, noise[0]);
        world.Globals.Set(global, new Told(next));
        world.Results.Add("clip", new { Norm, Next = next });
    }

    private sealed record Told(double Norm);
}
