using MantaLight.Weights;

namespace MantaLight.Aggregation.Optimizers;

/// <summary>Arrays that are being written, in memory outside of the managed heap; zero at first.</summary>
internal sealed class ModelDraft : IDisposable
{
    private readonly List<AlignedMemory> memory = [];
    private readonly List<NamedArray> arrays = [];

    private ModelDraft()
    {
    }

    /// <summary>Arrays as a model has them.</summary>
    public static ModelDraft Like(NamedArrays model) => Of(model.Select(a => (a, a.Type)));

    /// <summary>A float32 array for each of a model's that has floats.</summary>
    public static ModelDraft StateOf(NamedArrays model) => Of(model.Where(a => a.Type.IsFloat()).Select(a => (a, ArrayType.Float32)));

    /// <summary>The elements of an array, by its place.</summary>
    public Span<byte> this[int place] => memory[place].GetSpan()[..arrays[place].Data.Length];

    /// <summary>The arrays, to be disposed; this object is of no use any more.</summary>
    public NamedArrays Finish() => new(arrays, this);

    /// <inheritdoc/>
    public void Dispose() => memory.ForEach(m => ((IDisposable)m).Dispose());

    private static ModelDraft Of(IEnumerable<(NamedArray Array, ArrayType Type)> model)
    {
        var draft = new ModelDraft();
        try
        {
            foreach (var (array, type) in model)
            {
                var length = array.Count * type.SizeInBytes();
                if (length > int.MaxValue)
                    throw new TaskContractException($"Array '{array}' is too large for what an optimizer remembers of it: {length} bytes, where {int.MaxValue} are possible.");
                draft.memory.Add(new AlignedMemory(length));
                draft.arrays.Add(new NamedArray(array.Name, type, array.Shape, draft.memory[^1].First((int)length)));
            }
            return draft;
        }
        catch
        {
            draft.Dispose();
            throw;
        }
    }
}
