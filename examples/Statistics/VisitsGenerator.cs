using System.Globalization;
using CsvHelper;
using MantaLight.Tasks;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Random;

namespace MantaLight.Examples.Statistics;

/// <summary>Invented visits to practices: age, pressure, costs (a few very high ones) and insurance. No real person is behind any row.</summary>
public sealed class VisitsGenerator : DatasetGenerator
{
    private static readonly string[] Insurances = ["public", "private", "none"];

    /// <inheritdoc/>
    public override string Dataset => "visits";

    /// <inheritdoc/>
    public override int Nodes => 5;

    /// <inheritdoc/>
    public override async Task GenerateAsync(GeneratorRequest request, CancellationToken cancellationToken)
    {
        if (request.Options.EnumerateObject().Any())
            throw new TaskContractException("The data set visits has no options.");
        foreach (var (number, folder) in request.Folders.Index())
        {
            await using var file = new StreamWriter(Path.Combine(folder, "visits.csv")) { NewLine = "\n" };
            await using var csv = new CsvWriter(file, CultureInfo.InvariantCulture);
            await csv.WriteRecordsAsync(Visits(new MersenneTwister((int)((request.Seed * 1_000_003) + (ulong)number), threadSafe: false)), cancellationToken);
        }
    }

    private static IEnumerable<Visit> Visits(MersenneTwister random)
    {
        var (count, mean) = (random.Next(500, 3000), Normal.Sample(random, 48, 9));
        for (var v = 0; v < count; v++)
        {
            var age = Math.Clamp(Math.Round(Normal.Sample(random, mean, 18)), 0, 104);
            yield return new Visit(
                age, Math.Round(Normal.Sample(random, 105 + (age / 2.5), 13)), Math.Round(LogNormal.Sample(random, 4.2, 0.9), 2), Insurances[Categorical.Sample(random, [0.8, 0.14, 0.06])]);
        }
    }

    // The names are those of the header.
#pragma warning disable IDE1006, CA1707
    private sealed record Visit(double age, double pressure, double cost, string insurance);
#pragma warning restore IDE1006, CA1707
}
