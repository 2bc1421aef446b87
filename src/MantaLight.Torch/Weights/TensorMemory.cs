using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MantaLight.Torch.Weights;

/// <summary>The memory of a contiguous CPU tensor, alive as long as this object is not disposed.</summary>
internal sealed unsafe class TensorMemory : MemoryManager<byte>
{
    private readonly byte* pointer;
    private readonly int length;
    private Tensor? tensor;

    /// <summary>Takes the tensor over: it is disposed with this object.</summary>
    public TensorMemory(Tensor tensor)
    {
        this.tensor = tensor;
        var bytes = tensor.bytes;
        length = bytes.Length;
        pointer = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes)); // native memory: it does not move
    }

    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(tensor is null, typeof(MantaLight.Weights.NamedArrays));
        return new Span<byte>(pointer, length);
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ObjectDisposedException.ThrowIf(tensor is null, typeof(MantaLight.Weights.NamedArrays));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)length);
        return new MemoryHandle(pointer + elementIndex);
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Interlocked.Exchange(ref tensor, null)?.Dispose();
    }
}
