using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Torch.Training;

namespace MantaLight.Torch;

/// <summary>
/// Workers that get less far than others in the time that a round has, as Li et al. 2020 ("Federated Optimization in Heterogeneous Networks", section 5.2) have them: a straggler does a whole number of
/// epochs, uniformly from 1 to <see cref="Hyperparameters.Epochs"/>. Who is one in which round, and how far it gets, is drawn from the attempt's seed: under all algorithms the same.
/// </summary>
public sealed record StragglerOptions : IJsonOnDeserialized
{
    /// <summary>The probability with which a worker is one in a round, above 0 to 1.</summary>
    public required double Share { get; init; }

    /// <summary>What becomes of a straggler's work.</summary>
    /// <value><see cref="StragglerPolicy.Partial"/>.</value>
    public StragglerPolicy Policy { get; init; } = StragglerPolicy.Partial;

    [JsonInclude]
    [JsonExtensionData]
    internal Dictionary<string, JsonElement>? Unknown { get; init; }

    /// <summary>The epochs of a worker's round; null where it drops out.</summary>
    /// <param name="most">Those of who is not late, at least 1.</param>
    /// <param name="seed">The attempt's.</param>
    internal int? EpochsOf(int most, ulong seed)
    {
        if ((Seeds.Derive(seed, Seeds.Straggling) >> 11) * (1.0 / (1UL << 53)) >= Share)
            return most;
        return Policy == StragglerPolicy.Drop ? null : 1 + (int)Math.BigMul(Seeds.Derive(seed, Seeds.PartialWork), (ulong)most, out _);
    }

    /// <summary>Checks keys and ranges.</summary>
    /// <exception cref="JsonException">One is out of place.</exception>
    public void OnDeserialized()
    {
        KnownKeys.RefuseOthers(this, Unknown, "stragglers.");
        if (Share is not (> 0 and <= 1))
            throw new JsonException($"stragglers.share is {Share} where a probability above 0 and at most 1 is expected.");
    }
}

/// <summary>What becomes of a straggler's work.</summary>
public enum StragglerPolicy
{
    /// <summary>It counts as far as it got, as with FedProx.</summary>
    Partial,

    /// <summary>It comes too late and is lost, as with FedAvg: nothing is trained, and no result added.</summary>
    Drop,
}
