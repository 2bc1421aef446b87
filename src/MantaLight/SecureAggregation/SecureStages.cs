using MantaLight.Diagnostics;
using MantaLight.Tasks;

namespace MantaLight.SecureAggregation;

/// <summary>A stage of secure aggregation, an ordinary task of the graph; a definition's <c>secure_aggregation</c> puts them there.</summary>
public abstract class SecureStage : SwarmTask
{
    private protected SecureStage()
    {
    }

    private protected SecureAttempt Attempt => Secure ?? throw new TaskContractException($"{GetType().Name} is a stage of secure aggregation: the definition has no 'secure_aggregation', which puts it where it belongs.");

    private protected void Tell(string tag, byte[] bytes) => World.Results.Add(tag, new SecureText(Convert.ToBase64String(bytes)));
}

/// <summary>Stage 0 of secure aggregation: each node tells its public keys of the round, signed by its identity.</summary>
public sealed class SecureKeys : SecureStage
{
    /// <inheritdoc/>
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        World.Results.Add(SecureTags.Keys, new SecureText(Attempt.Participant().Advertise().ToText()));
        return Task.CompletedTask;
    }
}

/// <summary>Stage 1: each node shares its secrets among its neighbours, for each of them alone.</summary>
public sealed class SecureShares : SecureStage
{
    /// <inheritdoc/>
    /// <exception cref="TaskContractException">There are too few, or another stands in for a known node.</exception>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var participant = Attempt.Participant(node => Log.FirstSeen(Logger, node));
        if (participant.Share(await SecureHearing.KeysAsync(World, cancellationToken)) is { } shares)
            Tell(SecureTags.Shares, shares);
        else
            Log.NoPart(Logger, Context.Node);
    }
}

/// <summary>Stage 3: sums masked contributions as they come, and tells whose they are. One that cannot be had is left out: from here on it is known who the survivors are.</summary>
public sealed class SecureSum : SecureStage
{
    /// <inheritdoc/>
    /// <exception cref="TaskContractException">Too few contributions are there.</exception>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var options = Attempt.Round.Options;
        using var global = await World.Globals.GetWeightsAsync(options.Global, cancellationToken);
        var sum = SecureVector.Like(global, options.Bits);
        var survivors = new List<string>();
        foreach (var contribution in World.Results.Select(options.Tag).Where(r => r.Samples is not null).DistinctBy(r => r.Node))
        {
            try
            {
                using var come = await contribution.GetWeightsAsync(cancellationToken);
                if (sum.TryAdd(come))
                    survivors.Add(contribution.Node);
                else
                    Log.LeftOut(Logger, contribution.Node, "it is no masked vector of this model");
            }
            catch (Exception e) when (e is BlobUnavailableException or MalformedDataException or TaskContractException)
            {
                Log.LeftOut(Logger, contribution.Node, e.Message);
            }
        }
        if (survivors.Count < Roster.Least)
            throw new TaskContractException($"{survivors.Count} masked contributions have come: a sum of fewer than {Roster.Least} hides nothing, and nothing of it is unmasked.");
        using var arrays = sum.ToArrays();
        World.Results.Add(SecureTags.Sum, arrays, survivors.Count);
        World.Results.Add(SecureTags.Survivors, new SecureSurvivors([.. survivors]));
    }
}

/// <summary>Stage 4, the consistency check: each survivor signs who the survivors are, once.</summary>
public sealed class SecureConsent : SecureStage
{
    /// <inheritdoc/>
    /// <exception cref="TaskContractException">They are too few, or others were told before.</exception>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (Attempt.Participant().Consent(await SecureHearing.SurvivorsAsync(World, cancellationToken)) is { } signature)
            Tell(SecureTags.Consent, signature);
        else
            Log.NoPart(Logger, Context.Node);
    }
}

/// <summary>Stage 5: each survivor reveals its shares of the survivors' own masks, and of the keys of those that were lost, where enough have signed the same.</summary>
public sealed class SecureReveal : SecureStage
{
    /// <inheritdoc/>
    /// <exception cref="TaskContractException">Too few have signed.</exception>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (Attempt.Participant().Reveal(await SecureHearing.SurvivorsAsync(World, cancellationToken), await SecureHearing.HeardAsync(World, SecureTags.Consent, cancellationToken)) is { } shares)
            Tell(SecureTags.Revealed, shares);
        else
            Log.NoPart(Logger, Context.Node);
    }
}
