using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using MantaLight.Cli.Data;

namespace MantaLight.Integration.Tests.Data;

/// <summary>Six files in CIFAR-10's format with 20 records each: the red, green and blue of an image tell its number, its label and its file.</summary>
internal sealed class SmallCifar : IDisposable
{
    public const int Records = 20;
    public const int RecordBytes = 3073;

    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("mantalight-cifar-");

    public SmallCifar()
    {
        string[] names = [.. CifarFiles.TrainNames, CifarFiles.TestName];
        Bytes = names.Index().ToDictionary(name => name.Item, name => Batch(name.Index));
        Archive = Tar(Bytes);
        Files = FilesFor(Archive);
    }

    /// <summary>The six, by name.</summary>
    public Dictionary<string, byte[]> Bytes { get; }

    /// <summary>They in an archive.</summary>
    public byte[] Archive { get; }

    public CifarFiles Files { get; }

    public string Folder(string name) => Path.Combine(root.FullName, name);

    public static CifarFiles FilesFor(byte[] archive) => new(Records, archive.Length, Convert.ToHexStringLower(SHA256.HashData(archive)));

    /// <summary>A folder with the six files.</summary>
    public string Written(string name = "plain")
    {
        var folder = Directory.CreateDirectory(Folder(name)).FullName;
        foreach (var (file, bytes) in Bytes)
            File.WriteAllBytes(Path.Combine(folder, file), bytes);
        return folder;
    }

    /// <summary>A folder with the archive.</summary>
    public string WrittenArchive(byte[]? archive = null)
    {
        var folder = Directory.CreateDirectory(Folder("archive")).FullName;
        File.WriteAllBytes(Path.Combine(folder, CifarFiles.Archive), archive ?? Archive);
        return folder;
    }

    public static byte[] Tar(IEnumerable<KeyValuePair<string, byte[]>> files)
    {
        using var memory = new MemoryStream();
        using (var tar = new TarWriter(new GZipStream(memory, CompressionLevel.Fastest), TarEntryFormat.Ustar))
        {
            tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, "cifar-10-batches-bin/"));
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "cifar-10-batches-bin/readme.html") { DataStream = new MemoryStream([60]) });
            foreach (var (name, bytes) in files)
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"cifar-10-batches-bin/{name}") { DataStream = new MemoryStream(bytes) });
        }
        return memory.ToArray();
    }

    public static byte LabelOf(int record) => (byte)(record * 3 % 10);

    public void Dispose() => root.Delete(recursive: true);

    private static byte[] Batch(int file)
    {
        var bytes = new byte[Records * RecordBytes];
        for (var record = 0; record < Records; record++)
        {
            var at = bytes.AsSpan(record * RecordBytes, RecordBytes);
            at[0] = LabelOf(record);
            at.Slice(1, 1024).Fill((byte)((file * Records) + record));
            at.Slice(1 + 1024, 1024).Fill(LabelOf(record));
            at.Slice(1 + 2048, 1024).Fill((byte)file);
        }
        return bytes;
    }
}
