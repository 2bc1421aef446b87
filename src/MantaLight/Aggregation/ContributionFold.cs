using MantaLight.Concurrency;
using MantaLight.Tasks;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation;

/// <summary>
/// Folds contributions one after the other in their order, the next one being pulled meanwhile. Each is read once, in the hope that it is fine;
/// the first that is not spoils the mean, which is then made again from those before it, and from then on each is checked before it is folded.
/// </summary>
internal sealed class ContributionFold(IReadOnlyList<Result> contributions, WeightedMean mean)
{
    private readonly List<Result> accepted = [];
    private readonly List<RefusedContribution> refused = [];
    private bool isWary;

    /// <summary>Who is in the mean.</summary>
    public IReadOnlyList<string> Participants => [.. accepted.Select(r => r.Node)];

    /// <summary>Who is not, and why.</summary>
    public IReadOnlyList<RefusedContribution> Refused => refused;

    /// <summary>Folds all.</summary>
    /// <exception cref="BlobUnavailableException">One cannot be had.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var next = PullAsync(contributions[0], stop.Token);
        try
        {
            for (var i = 0; i < contributions.Count; i++)
            {
                var (source, failure) = await next;
                next = i + 1 < contributions.Count ? PullAsync(contributions[i + 1], stop.Token) : Nothing;
                using (source)
                    failure ??= await AddAsync(source!, contributions[i].Samples!.Value, cancellationToken);
                if (failure is null)
                    accepted.Add(contributions[i]);
                else
                    refused.Add(new RefusedContribution(contributions[i].Node, failure));
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            // Something else failed: what is still being pulled ends before the attempt does.
            await stop.CancelBesideAsync();
            (await IgnoringErrors(next)).Source?.Dispose();
        }
    }

    private static Task<Pulled> Nothing { get; } = Task.FromResult(default(Pulled));

    private static async Task<Pulled> PullAsync(Result contribution, CancellationToken cancellationToken)
    {
        if (contribution.Samples is null)
            return new Pulled(null, $"'{contribution.Tag}' is a JSON value where weights are expected.");
        try
        {
            return new Pulled(await contribution.OpenWeightsAsync(cancellationToken), null);
        }
        catch (Exception e) when (e is MalformedDataException or IncompatibleWeightsException)
        {
            return new Pulled(null, e.Message);
        }
    }

    private async Task<string?> AddAsync(WeightsSource source, long samples, CancellationToken cancellationToken)
    {
        if (mean.Misfit(source.Layout, samples) is { } misfit)
            return misfit;
        string? failure;
        try
        {
            failure = isWary ? mean.Refusal(source, samples) : null;
            if (failure is not null || mean.TryFold(source, samples))
                return failure;
            failure = mean.Refusal(source, samples) ?? "It changed while it was read.";
        }
        catch (MalformedDataException e)
        {
            failure = e.Message;
        }
        await MakeAgainAsync(cancellationToken);
        return failure;
    }

    private async Task MakeAgainAsync(CancellationToken cancellationToken)
    {
        isWary = true;
        mean.Clear();
        foreach (var contribution in accepted)
        {
            using var source = await contribution.OpenWeightsAsync(cancellationToken);
            mean.Add(source, contribution.Samples!.Value);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static async Task<Pulled> IgnoringErrors(Task<Pulled> pull)
    {
        try
        {
            return await pull;
        }
        catch (Exception)
        {
            return default;
        }
    }

    private readonly record struct Pulled(WeightsSource? Source, string? Failure);
}
