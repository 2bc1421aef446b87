using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.SecureAggregation;

/// <summary>An unmasked sum.</summary>
/// <param name="Vector">The sums, in the ring.</param>
/// <param name="Point">How they are decoded.</param>
/// <param name="Survivors">Whose contributions are in it.</param>
internal sealed record SecureTotal(SecureVector Vector, FixedPoint Point, IReadOnlyList<string> Survivors);

/// <summary>Takes the masks off the sum of a round, at the aggregator.</summary>
internal static class SecureSums
{
    /// <summary>The sum.</summary>
    /// <param name="attempt">The aggregator's.</param>
    /// <param name="world">What it sees.</param>
    /// <param name="model">The global that contributions differ from.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="TaskContractException">Too few are left, or what they have revealed does not fit.</exception>
    public static async Task<SecureTotal> UnmaskAsync(SecureAttempt attempt, World world, NamedArrays model, CancellationToken cancellationToken)
    {
        var round = attempt.Round;
        var roster = Roster.Of(round, await SecureHearing.KeysAsync(world, cancellationToken), attempt.Agreement);
        var survivors = await SecureHearing.SurvivorsAsync(world, cancellationToken);
        string[] sharers = [.. world.Results.Select(SecureTags.Shares).Select(r => r.Node).Where(n => roster.PlaceOf(n) is not null).Distinct()];
        var unmasking = new Unmasking(roster, sharers, survivors, attempt.Agreement);
        foreach (var (holder, shares) in await SecureHearing.HeardAsync(world, SecureTags.Revealed, cancellationToken))
            unmasking.Add(holder, shares);
        var vector = SecureVector.Like(model, round.Options.Bits);
        if (world.Results.Select(SecureTags.Sum) is not [var only])
            throw new TaskContractException("No task before has summed the masked contributions.");
        using (var sum = await only.GetWeightsAsync(cancellationToken))
        {
            if (!vector.TryAdd(sum))
                throw new TaskContractException($"The masked sum is not of the model '{round.Options.Global}'.");
        }
        unmasking.Unmask(vector.Numbers, cancellationToken);
        if (vector.Weight < survivors.Length || vector.Weight > survivors.Length * round.Options.MostWeight || vector.Beyond < 0)
            throw new TaskContractException($"The unmasked sum is no sum of {survivors.Length} contributions: somebody has sent another vector than a masked one.");
        return new SecureTotal(vector, new FixedPoint(round.Options.Bits, round.Options.Range, round.Options.MostWeight, sharers.Length), survivors);
    }
}
