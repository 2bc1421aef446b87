using System.Buffers;
using MantaLight.Messaging;

namespace MantaLight.Tests.Messaging;

/// <summary>One store for the whole process: nobody else may take from it meanwhile.</summary>
[CollectionDefinition(nameof(PayloadBufferTests), DisableParallelization = true)]
[Collection(nameof(PayloadBufferTests))]
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

        var again = RentUntil(buffer, Length);
        Assert.Same(buffer, again);
        // Whoever has it now is its one holder.
        PayloadBuffer.Release(again.Take(1));
        Assert.Same(buffer, RentUntil(buffer, Length));
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
    [InlineData(0, 16_384)]
    [InlineData(17_000, 32_768)]
    [InlineData(131_072, 131_072)]
    [InlineData(131_073, 262_144)]
    [InlineData(4 << 20, 4 << 20)]
    public void A_chunk_of_any_size_has_memory_that_is_used_again(int length, int expected)
    {
        var first = PayloadBuffer.Rent(length);
        Assert.Equal(expected, first.Bytes.Length);
        PayloadBuffer.Release(first.Take(length));
        Assert.Same(first, RentUntil(first, length));
    }

    // Others may have left some there, which come first.
    private static PayloadBuffer RentUntil(PayloadBuffer wanted, int length)
    {
        var rented = PayloadBuffer.Rent(length);
        for (var more = 0; more < 2000 && rented != wanted; more++)
            rented = PayloadBuffer.Rent(length);
        return rented;
    }

    [Fact]
    public void What_is_longer_than_any_chunk_has_memory_of_its_own_length_which_is_not_kept()
    {
        const int Length = (4 << 20) + 1;
        var other = PayloadBuffer.Rent(Length);
        Assert.Equal(Length, other.Bytes.Length);
        PayloadBuffer.Release(other.Take(Length));
        Assert.NotSame(other, PayloadBuffer.Rent(Length));
    }

    [Fact]
    public void No_more_is_kept_than_16_MiB()
    {
        const int Length = 4 << 20;
        var rented = Enumerable.Range(0, 6).Select(_ => PayloadBuffer.Rent(Length)).ToArray();
        foreach (var buffer in rented)
            PayloadBuffer.Release(buffer.Take(1));
        var again = Enumerable.Range(0, 6).Select(_ => PayloadBuffer.Rent(Length)).ToHashSet();
        Assert.InRange(rented.Count(again.Contains), 1, 4);
    }

    [Fact]
    public void Sizes_that_nobody_asks_for_any_more_make_room_for_those_in_use()
    {
        const int Large = 4 << 20, Common = 256 << 10;
        foreach (var buffer in Enumerable.Range(0, 4).Select(_ => PayloadBuffer.Rent(Large)).ToArray())
            PayloadBuffer.Release(buffer.Take(1));
        var common = PayloadBuffer.Rent(Common);
        PayloadBuffer.Release(common.Take(1));
        Assert.Same(common, PayloadBuffer.Rent(Common));
    }

    private static PayloadBuffer Rent() => PayloadBuffer.Rent(Length);
}
