using MantaLight.Torch.Weights;
using MantaLight.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>
/// Samples and their targets, each as one tensor that stays in memory: uint8 samples are kept as they are and scaled to
/// [0, 1] when batches are made. Dispose it when done.
/// </summary>
public sealed class TensorDataset : IDisposable
{
    /// <summary>Takes both tensors over.</summary>
    /// <param name="samples">Samples along the first dimension; uint8 (0 to 255) or float32.</param>
    /// <param name="targets">As many targets; int64 class numbers or float32 values.</param>
    /// <exception cref="DatasetException">No samples, another element type, or other counts.</exception>
    public TensorDataset(Tensor samples, Tensor targets)
    {
        Samples = samples;
        Targets = targets;
        if (samples.dim() == 0 || targets.dim() == 0 || samples.shape[0] != targets.shape[0])
            throw new DatasetException($"Samples [{string.Join(", ", samples.shape)}] and targets [{string.Join(", ", targets.shape)}] differ in their first dimension.");
        if (samples.shape[0] == 0)
            throw new DatasetException("There is no sample.");
        if (samples.dtype is not (ScalarType.Byte or ScalarType.Float32))
            throw new DatasetException($"Samples hold {samples.dtype}; uint8 or float32 is expected.");
        if (targets.dtype is not (ScalarType.Int64 or ScalarType.Float32))
            throw new DatasetException($"Targets hold {targets.dtype}; int64 or float32 is expected.");
    }

    /// <summary>The samples, uint8 or float32.</summary>
    public Tensor Samples { get; }

    /// <summary>The targets, int64 or float32.</summary>
    public Tensor Targets { get; }

    /// <summary>How many samples there are.</summary>
    public long Count => Samples.shape[0];

    /// <summary>The arrays that a part of a data set is made of: samples, and targets.</summary>
    internal static string[] NamesOf(bool train) => train ? ["x_train", "y_train"] : ["x_test", "y_test"];

    /// <summary>Copies the arrays x_train and y_train, or x_test and y_test, into tensors.</summary>
    /// <param name="arrays">An .npz file's arrays.</param>
    /// <param name="dataset">The data set's name, for messages.</param>
    /// <param name="train">Whether the training part is wanted.</param>
    /// <exception cref="DatasetException">An array is missing or of a type that is not known.</exception>
    public static TensorDataset From(NamedArrays arrays, string dataset, bool train)
    {
        TorchRuntime.EnsureLoaded();
        var names = NamesOf(train);
        using var scope = NewDisposeScope();
        var samples = ToTensor(Required(arrays, dataset, names[0]), ArrayType.UInt8, ArrayType.Float32);
        var raw = ToTensor(
            Required(arrays, dataset, names[1]),
            ArrayType.UInt8, ArrayType.Int8, ArrayType.Int16, ArrayType.Int32, ArrayType.Int64, ArrayType.Float32, ArrayType.Float64);
        var made = new TensorDataset(samples, raw.to(raw.is_floating_point() ? ScalarType.Float32 : ScalarType.Int64));
        made.Samples.DetachFromDisposeScope();
        made.Targets.DetachFromDisposeScope();
        return made;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Samples.Dispose();
        Targets.Dispose();
    }

    private static NamedArray Required(NamedArrays arrays, string dataset, string name) =>
        arrays.TryGet(name, out var array)
            ? array
            : throw new DatasetException($"Data set '{dataset}' has no array '{name}'; it has: {string.Join(", ", arrays.Select(a => a.ToString()))}.");

    private static Tensor ToTensor(NamedArray array, params ReadOnlySpan<ArrayType> allowed)
    {
        if (!allowed.Contains(array.Type))
            throw new DatasetException($"Array '{array}' must be one of: {string.Join(", ", allowed.ToArray().Select(t => t.WireName()))}.");
        var tensor = empty(array.Shape.ToArray(), array.Type.ToScalarType());
        array.Data.Span.CopyTo(tensor.bytes);
        return tensor;
    }
}
