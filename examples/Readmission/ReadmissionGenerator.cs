using System.Globalization;
using CsvHelper;
using MantaLight.Tasks;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Random;

namespace MantaLight.Examples.Readmission;

/// <summary>Invented patients of hospitals with different case mixes, whose readmission within 30 days depends on the same causes everywhere. No real person is behind any row.</summary>
public sealed class ReadmissionGenerator : DatasetGenerator
{
    private static readonly string[] Wards = ["medicine", "surgery", "cardiology", "geriatrics"];
    private static readonly string[] Discharges = ["home", "rehabilitation", "care home"];

    /// <inheritdoc/>
    public override string Dataset => "readmission";

    /// <inheritdoc/>
    public override int Nodes => 4;

    /// <inheritdoc/>
    public override async Task GenerateAsync(GeneratorRequest request, CancellationToken cancellationToken)
    {
        if (request.Options.EnumerateObject().Any())
            throw new TaskContractException("The data set readmission has no options.");
        foreach (var (number, folder) in request.Folders.Index())
        {
            await using var file = new StreamWriter(Path.Combine(folder, "readmission.csv")) { NewLine = "\n" };
            await using var csv = new CsvWriter(file, CultureInfo.InvariantCulture);
            await csv.WriteRecordsAsync(Patients(request.Seed, number), cancellationToken);
        }
    }

    private static IEnumerable<Patient> Patients(ulong seed, int hospital)
    {
        var random = new MersenneTwister((int)((seed * 1_000_003) + (ulong)hospital), threadSafe: false);
        // A small one with old patients, a large one with many operations, and so on.
        var (count, age) = (random.Next(400, 1600), Normal.Sample(random, 62, 8));
        var mix = Dirichlet.Sample(random, [2.0, 2.0, 2.0, 2.0]);
        for (var p = 0; p < count; p++)
            yield return Draw(random, age, mix, $"H{hospital}-{p:0000}");
    }

    private static Patient Draw(MersenneTwister random, double meanAge, double[] mix, string id)
    {
        var ward = Categorical.Sample(random, mix);
        var age = Math.Clamp(Math.Round(Normal.Sample(random, ward == 3 ? meanAge + 16 : meanAge, 12)), 18, 104);
        var stay = Math.Round(1 + Gamma.Sample(random, 1.6, ward == 1 ? 0.5 : 0.3), 1);
        var earlier = Poisson.Sample(random, 0.4 + Math.Max(0, (age - 60) / 40));
        var hemoglobin = Math.Round(Normal.Sample(random, 13.2 - (age / 100), 1.6), 1);
        var emergency = Bernoulli.Sample(random, 0.45);
        var discharge = age > 75 ? Categorical.Sample(random, [0.55, 0.2, 0.25]) : Categorical.Sample(random, [0.85, 0.12, 0.03]);
        var risk = -2.9 + (0.02 * (age - 60)) + (0.05 * stay) + (0.75 * earlier) + (0.25 * (12.5 - hemoglobin)) + (0.7 * emergency) + (discharge == 2 ? 0.5 : discharge == 1 ? -0.4 : 0) + (ward == 2 ? 0.6 : 0);
        var isBack = Bernoulli.Sample(random, 1 / (1 + Math.Exp(-risk))) == 1;
        // Not everybody's blood is looked at.
        return new Patient(id, age, Wards[ward], stay, earlier, Bernoulli.Sample(random, 0.15) == 1 ? null : hemoglobin, emergency == 1 ? "yes" : "no", Discharges[discharge], isBack ? "yes" : "no");
    }

    // The names are those of the header.
#pragma warning disable IDE1006, SA1300, CA1707
    private sealed record Patient(string patient, double age, string ward, double days, int earlier_stays, double? hemoglobin, string emergency, string discharged_to, string readmitted);
#pragma warning restore IDE1006, SA1300, CA1707
}
