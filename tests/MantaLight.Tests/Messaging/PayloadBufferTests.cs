using System.Buffers;
using MantaLight.Messaging;

namespace MantaLight.Tests.Messaging;

public sealed class PayloadBufferTests
{
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

    [Theory]
    [InlineData(0)]
    [InlineData(17_000)]
    [InlineData(131_072)]
    [InlineData(1 << 20)]
    public void What_is_no_chunk_has_memory_of_its_own_length_which_is_not_kept(int length)
    {
        PayloadBuffer.Release(PayloadBuffer.Rent(Length).Take(1));
        var other = PayloadBuffer.Rent(length);
        Assert.Equal(length, other.Bytes.Length);
        PayloadBuffer.Release(other.Take(length));
        Assert.NotSame(other, PayloadBuffer.Rent(length));
    }

    private static PayloadBuffer Rent() => PayloadBuffer.Rent(Length);
}
