using System.Buffers.Binary;
using System.Text;

namespace MantaLight.Weights;

/// <summary>
/// Writes the few MessagePack forms that headers of weights need, each in its shortest form, into a span; over no span it
/// only counts, so that the buffer can be sized exactly beforehand.
/// </summary>
internal ref struct WeightsHeaderWriter(Span<byte> buffer)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Span<byte> buffer = buffer;

    /// <summary>The bytes written or counted so far.</summary>
    public int Position { get; private set; }

    /// <summary>A map of up to 15 entries.</summary>
    public void MapHeader(int count) => Write((byte)(0x80 | count));

    /// <summary>An array of that many items.</summary>
    public void ArrayHeader(int count)
    {
        if (count < 16)
            Write((byte)(0x90 | count));
        else
            Write(0xDC, checked((ushort)count)); // limits keep it below 65,536
    }

    /// <summary>A string.</summary>
    /// <exception cref="MalformedDataException">It has half a surrogate pair.</exception>
    public void String(string value)
    {
        try
        {
            var length = Utf8.GetByteCount(value);
            if (length < 32)
                Write((byte)(0xA0 | length));
            else if (length < 256)
                Write(0xD9, (byte)length);
            else
                Write(0xDA, checked((ushort)length));
            if (!buffer.IsEmpty)
                Utf8.GetBytes(value, buffer[Position..]);
            Position += length;
        }
        catch (EncoderFallbackException e)
        {
            throw new MalformedDataException($"The name '{value}' is not valid Unicode.", e);
        }
    }

    /// <summary>An integer that is not negative.</summary>
    public void Integer(long value)
    {
        switch (value)
        {
            case < 128:
                Write((byte)value);
                break;
            case <= byte.MaxValue:
                Write(0xCC, (byte)value);
                break;
            case <= ushort.MaxValue:
                Write(0xCD, (ushort)value);
                break;
            case <= uint.MaxValue:
                Write(0xCE, (uint)value);
                break;
            default:
                Write(0xCF);
                if (!buffer.IsEmpty)
                    BinaryPrimitives.WriteInt64BigEndian(buffer[Position..], value);
                Position += sizeof(long);
                break;
        }
    }

    /// <summary>The header of that many bytes.</summary>
    public void BinaryHeader(int length)
    {
        if (length <= byte.MaxValue)
            Write(0xC4, (byte)length);
        else if (length <= ushort.MaxValue)
            Write(0xC5, (ushort)length);
        else
            Write(0xC6, (uint)length);
    }

    /// <summary>Zero bytes; the buffer comes zeroed.</summary>
    public void Zeros(int count) => Position += count;

    private void Write(byte value)
    {
        if (!buffer.IsEmpty)
            buffer[Position] = value;
        Position++;
    }

    private void Write(byte code, byte value)
    {
        Write(code);
        Write(value);
    }

    private void Write(byte code, ushort value)
    {
        Write(code);
        if (!buffer.IsEmpty)
            BinaryPrimitives.WriteUInt16BigEndian(buffer[Position..], value);
        Position += sizeof(ushort);
    }

    private void Write(byte code, uint value)
    {
        Write(code);
        if (!buffer.IsEmpty)
            BinaryPrimitives.WriteUInt32BigEndian(buffer[Position..], value);
        Position += sizeof(uint);
    }
}
