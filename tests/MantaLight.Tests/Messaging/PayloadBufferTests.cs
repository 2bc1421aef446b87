using System.Buffers;
using MantaLight.Messaging;

namespace MantaLight.Tests.Messaging;

public sealed class PayloadBufferTests
{
    // Other tests of this process use buffers as well, but none of this size.
    private const int Length = 262_143;

    [Fact]
    public void What_everybody_has_released_is_used_again()
    {
        var buffer = PayloadBuffer.Rent(Length);
        var payload = buffer.Take(1000);
        PayloadBuffer.Hold(payload);
        PayloadBuffer.Release(payload);
        Assert.NotSame(buffer, Rent());

        PayloadBuffer.Release(payload);

        var again = Rent();
        Assert.Same(buffer, again);
        // Whoever has it now is its one holder.
        PayloadBuffer.Release(again.Take(1));
        Assert.Same(buffer, Rent());
    }

    [Fact]
    public void A_payload_is_as_long_as_what_came()
    {
        var buffer = PayloadBuffer.Rent(Length);
        buffer.Bytes.AsSpan().Fill(7);
        var payload = buffer.Take(12);
        Assert.Equal(12, payload.Length);
        Assert.True(payload.IsSingleSegment);
        Assert.Equal(Enumerable.Repeat((byte)7, 12), payload.ToArray());
    }

    [Fact]
    public void Payloads_of_other_memory_are_left_alone()
    {
        var payload = new ReadOnlySequence<byte>([1, 2, 3]);
        PayloadBuffer.Hold(payload);
        PayloadBuffer.Release(payload);
        PayloadBuffer.Release(default);
        Assert.Equal([1, 2, 3], payload.ToArray());
    }

    [Fact]
    public void Memory_for_what_is_no_chunk_is_not_kept()
    {
        var large = PayloadBuffer.Rent(1 << 20);
        PayloadBuffer.Release(large.Take(1));
        Assert.NotSame(large, PayloadBuffer.Rent(1 << 20));
    }

    private static PayloadBuffer Rent() => PayloadBuffer.Rent(Length);
}
