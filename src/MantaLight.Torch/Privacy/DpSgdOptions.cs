using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Aggregation.Noise;
using MantaLight.Privacy;
using MantaLight.Torch.Training;

namespace MantaLight.Torch;

/// <summary>
/// Differential privacy of a node's single samples (Abadi et al. 2016, "Deep Learning with Differential Privacy", Algorithm 1): each step's samples are drawn each by itself, each one's gradient is clipped, and their sum gets noise.
/// </summary>
public sealed record DpSgdOptions : IJsonOnDeserialized
{
    /// <summary>C: the longest that a sample's gradient may be, above 0.</summary>
    public required double Clip { get; init; }

    /// <summary>z: the noise's standard deviation in units of <see cref="Clip"/>.</summary>
    public required double Noise { get; init; }

    /// <summary>δ, well below one over the number of samples.</summary>
    /// <value>1e-5.</value>
    public double Delta { get; init; } = 1e-5;

    /// <summary>The most ε that all rounds together may have: a node trains no more where another round would exceed it.</summary>
    /// <value>Null: there is no end.</value>
    public double? Budget { get; init; }

    /// <summary><c>rdp</c> or <c>pld</c>.</summary>
    /// <value>rdp.</value>
    public string Accountant { get; init; } = "rdp";

    /// <summary><c>secret</c>: samples and noise are drawn by the system's cryptographic generator. <c>seed</c>: from the attempt's seed, so that the run comes again, and nothing is private.</summary>
    /// <value>secret.</value>
    public string NoiseSource { get; init; } = "secret";

    [JsonInclude]
    [JsonExtensionData]
    internal Dictionary<string, JsonElement>? Unknown { get; init; }

    /// <summary>Whether nobody can know the draws.</summary>
    internal bool IsPrivate => NoiseSource == "secret";

    /// <summary>Whether by the distribution of the privacy loss.</summary>
    internal bool IsPld => Accountant == "pld";

    /// <summary>The draws of one of several streams.</summary>
    internal NoiseSource Source(ulong seed, ulong stream, long step) =>
        IsPrivate ? Aggregation.Noise.NoiseSource.Secret : Aggregation.Noise.NoiseSource.OfSeed(Seeds.Derive(Seeds.Derive(seed, stream), (ulong)step));

    /// <summary>Checks keys and ranges.</summary>
    /// <exception cref="JsonException">One is out of place.</exception>
    public void OnDeserialized()
    {
        KnownKeys.RefuseOthers(this, Unknown, "dp_sgd.");
        Require(Clip is > 0 and < double.PositiveInfinity, $"clip is {Clip} where a number above 0 is expected");
        Require(Delta is >= 1e-12 and < 1, $"delta is {Delta} where a number of 1e-12 to below 1 is expected");
        Require(Budget is null or (> 0 and < double.PositiveInfinity), $"budget is {Budget} where a number above 0 is expected");
        Require(Accountant is "rdp" or "pld", $"accountant is '{Accountant}'; known are: rdp, pld");
        Require(NoiseSource is "secret" or "seed", $"noise_source is '{NoiseSource}'; known are: secret, seed");
        try
        {
            _ = new SampledGaussian(1, Noise);
        }
        catch (InvalidSettingException e)
        {
            throw new JsonException($"dp_sgd.noise: {e.Message}", e);
        }
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new JsonException($"dp_sgd.{message}.");
    }
}
