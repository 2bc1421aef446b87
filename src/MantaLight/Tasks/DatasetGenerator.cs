using System.Text.Json;

namespace MantaLight.Tasks;

/// <summary>
/// Makes the data that a module is tried on, for as many nodes as are wanted: a module that has one needs no data of anybody's. <c>mantalight data generate</c> finds it by its
/// data set's name. A concrete class has a constructor without parameters.
/// </summary>
public abstract class DatasetGenerator
{
    /// <summary>The data set's name, as definitions ask for it: 1 to 64 characters of <c>A-Za-z0-9_-</c>.</summary>
    public abstract string Dataset { get; }

    /// <summary>How many nodes there are where nobody says it.</summary>
    public abstract int Nodes { get; }

    /// <summary>Writes each node's part into its folder: <c>{dataset}.npz</c> or <c>{dataset}.csv</c>. The same request always gives the same bytes.</summary>
    /// <exception cref="TaskContractException">An option is not possible.</exception>
    public abstract Task GenerateAsync(GeneratorRequest request, CancellationToken cancellationToken);
}

/// <summary>What a <see cref="DatasetGenerator"/> is asked for.</summary>
public sealed record GeneratorRequest
{
    /// <summary>The nodes' folders, in order; each is there.</summary>
    public required IReadOnlyList<string> Folders { get; init; }

    /// <summary>Where all randomness comes from.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The generator's own options, a JSON object; <see cref="TaskJson"/> reads them.</summary>
    public required JsonElement Options { get; init; }
}
