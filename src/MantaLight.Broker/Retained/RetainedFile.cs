using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MantaLight.Broker.Retained;

/// <summary>A retained message as it lies on the disk.</summary>
internal sealed record StoredMessage(string Topic, ReadOnlySequence<byte> Payload, int QualityOfService, DateTimeOffset? Expires);

/// <summary>
/// The format of a stored message: "MLRT", version, QoS, length of the topic (u16), expiry in Unix milliseconds (i64, 0
/// for never), length of the payload (i32), all little-endian; topic; payload; SHA-256 of everything before.
/// </summary>
internal static class RetainedFile
{
    public const string Extension = ".retained";

    private const int HeaderSize = 20;
    private const byte Version = 1;

    private static ReadOnlySpan<byte> Magic => "MLRT"u8;

    /// <summary>The file name of a topic's message; topics themselves are not safe as names.</summary>
    public static string NameOf(string topic) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(topic))) + Extension;

    public static void Write(Stream stream, StoredMessage message)
    {
        var topic = Encoding.UTF8.GetBytes(message.Topic);
        Span<byte> header = stackalloc byte[HeaderSize];
        Magic.CopyTo(header);
        header[4] = Version;
        header[5] = (byte)message.QualityOfService;
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], (ushort)topic.Length);
        BinaryPrimitives.WriteInt64LittleEndian(header[8..], message.Expires?.ToUnixTimeMilliseconds() ?? 0);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], (int)message.Payload.Length);

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Put(header);
        Put(topic);
        foreach (var part in message.Payload)
            Put(part.Span);
        stream.Write(hash.GetHashAndReset());

        void Put(ReadOnlySpan<byte> bytes)
        {
            hash.AppendData(bytes);
            stream.Write(bytes);
        }
    }

    /// <exception cref="MalformedDataException">The bytes are not what <see cref="Write"/> wrote.</exception>
    public static StoredMessage Read(byte[] bytes, string name)
    {
        if (bytes.Length < HeaderSize + SHA256.HashSizeInBytes || !bytes.AsSpan().StartsWith(Magic))
            throw new MalformedDataException("it is not a stored message");
        if (bytes[4] != Version)
            throw new MalformedDataException($"its format is version {bytes[4]}, and this broker knows {Version}");

        var body = bytes.AsSpan(0, bytes.Length - SHA256.HashSizeInBytes);
        if (!SHA256.HashData(body).AsSpan().SequenceEqual(bytes.AsSpan(body.Length)))
            throw new MalformedDataException("its checksum does not match");

        int topicLength = BinaryPrimitives.ReadUInt16LittleEndian(body[6..]);
        var expires = BinaryPrimitives.ReadInt64LittleEndian(body[8..]);
        var payloadLength = BinaryPrimitives.ReadInt32LittleEndian(body[16..]);
        if (payloadLength < 0 || (long)HeaderSize + topicLength + payloadLength != body.Length)
            throw new MalformedDataException("its lengths do not add up");
        var topic = Encoding.UTF8.GetString(body.Slice(HeaderSize, topicLength));
        if (NameOf(topic) != name)
            throw new MalformedDataException("its name is not that of its topic");
        return new StoredMessage(
            topic,
            new ReadOnlySequence<byte>(bytes, HeaderSize + topicLength, payloadLength),
            Math.Min(body[5], (byte)2),
            expires == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(expires, 0, 253_402_300_799_999)));
    }
}
