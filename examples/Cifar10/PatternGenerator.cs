using System.Text.Json.Serialization;
using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Examples.Cifar10;

/// <summary>Writes <see cref="ColourPatterns"/> for each node, to try the example on where CIFAR-10 is not to be had.</summary>
public sealed class PatternGenerator : DatasetGenerator
{
    /// <inheritdoc/>
    public override string Dataset => CifarSwarm.Dataset;

    /// <inheritdoc/>
    public override int Nodes => 2;

    /// <inheritdoc/>
    public override async Task GenerateAsync(GeneratorRequest request, CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<PatternOptions>(request.Options, "options of cifar10");
        foreach (var (node, folder) in request.Folders.Index())
            await ArrayFile.WriteNpzAsync(Path.Combine(folder, $"{Dataset}.npz"), ColourPatterns.Make(node, request.Seed, options.Train, options.Test), compress: false, cancellationToken);
    }
}

/// <summary>How many patterns are made.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PatternOptions
{
    /// <summary>Images of each node to train with, 1 to 100,000.</summary>
    /// <value>2,000.</value>
    public int Train { get; init => field = Checked(value, "train"); } = 2000;

    /// <summary>Images of each node to test with, 1 to 100,000.</summary>
    /// <value>500.</value>
    public int Test { get; init => field = Checked(value, "test"); } = 500;

    private static int Checked(int value, string name) =>
        value is >= 1 and <= 100_000 ? value : throw new TaskContractException($"{name} is {value} where 1 to 100000 are possible.");
}
