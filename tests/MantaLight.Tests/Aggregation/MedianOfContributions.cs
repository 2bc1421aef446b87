using MantaLight.Aggregation.Blocks;
using MantaLight.Tasks;
using MantaLight.Weights.Sources;

namespace MantaLight.Tests.Aggregation;

/// <summary>An aggregator that reads all contributions together, as order statistics do.</summary>
public sealed class MedianOfContributions : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var sources = new List<WeightsSource>();
        try
        {
            foreach (var contribution in World.Results.Select("model_params"))
                sources.Add(await contribution.OpenWeightsBesideOthersAsync(cancellationToken));
            if (!sources.TrueForAll(s => s is WeightsFile))
                throw new InvalidOperationException("A contribution is held in memory.");
            using var median = BlockPass.Run(sources, new MedianRule(), threads: 2, cancellationToken);
            World.Globals.SetWeights("global_model_params", median!);
        }
        finally
        {
            sources.ForEach(s => s.Dispose());
        }
    }
}
