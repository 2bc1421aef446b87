using MantaLight.Weights;

namespace MantaLight.Cli.Data;

/// <summary>
/// How a node's images look: those that it trains with, and where test samples are shared out those too. A test set that all have is common to all as it is.
/// </summary>
internal static class ImageSkews
{
    // Apart from the streams that share out.
    private const ulong TrainStream = 1UL << 32;
    private const ulong TestStream = 2UL << 32;

    /// <summary>Refuses what images have nothing for.</summary>
    /// <exception cref="InvalidSettingException">There are no columns.</exception>
    public static void Require(MnistPartitions wanted)
    {
        if (wanted.Partition.KeyColumn is { } column)
            throw new InvalidSettingException($"'{wanted.Partition}' goes by the column '{column}', and {wanted.Dataset} has none. It is for files of your own: mantalight data partition FILE --partition {wanted.Partition}.");
    }

    /// <summary>Training images as they look at a node.</summary>
    public static NamedArray Train(NamedArray images, int node, MnistPartitions wanted) => Skewed(images, node, wanted, TrainStream);

    /// <summary>Test images as they look at a node.</summary>
    public static NamedArray Test(NamedArray images, int node, MnistPartitions wanted) => wanted.Test == TestShare.Full ? images : Skewed(images, node, wanted, TestStream);

    /// <summary>A node's arrays as they look there, made when they are first asked for.</summary>
    public static Func<NamedArrays> Of(Func<NamedArrays> arrays, int node, MnistPartitions wanted)
    {
        if (wanted.Partition.Skews.IsEmpty)
            return arrays;
        var made = new Lazy<NamedArray[]>(() =>
        [
            .. arrays().Select(a => a.Name switch { "x_train" => Train(a, node, wanted), "x_test" => Test(a, node, wanted), _ => a }),
        ]);
        return () => new NamedArrays(made.Value);
    }

    private static NamedArray Skewed(NamedArray images, int node, MnistPartitions wanted, ulong stream)
    {
        var random = new SeededRandom(wanted.Seed, stream + (ulong)node);
        return wanted.Partition.Skews.Aggregate(images, (skewed, skew) => skew.Apply(skewed, node, wanted.Nodes, random));
    }
}
