using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using MantaLight.Weights;

namespace MantaLight.Cli.Data;

/// <summary>Shares the samples of a file out: of an .npz file with the samples along each array's first dimension, or of a .csv file with one in each row.</summary>
internal static class FilePreparation
{
    // More are numbers to predict, not classes.
    private const int MostClasses = 100;
    private const string TestEnding = "_test";
    private const ulong TrainStream = 1;
    private const ulong TestStream = 2;
    private const ulong SkewStream = 1UL << 32;
    private const ulong TestSkewStream = 2UL << 32;

    /// <summary>Makes the parts.</summary>
    /// <exception cref="DatasetException">The file cannot be read, or has no such array or column, or the output cannot be written.</exception>
    /// <exception cref="InvalidSettingException">It cannot be shared out like that.</exception>
    public static async Task<PartitionManifest> MakeAsync(FilePartitions wanted, CancellationToken cancellationToken)
    {
        _ = wanted.Dataset;
        var source = await OpenAsync(wanted, cancellationToken);
        var values = Values(source, wanted);
        var nodes = wanted.Nodes ?? (wanted.Partition.KeyColumn is null ? 2 : Partitioner.CountValues<string>(values));
        if (nodes is < 1 or > MnistPartitions.MaximumNodes)
            throw new InvalidSettingException($"{nodes:N0} nodes are not possible; 1 to {MnistPartitions.MaximumNodes:N0} are. Say how many with --nodes.");
        var parts = Partitioner.Split<string>(values, nodes, wanted.Partition, new SeededRandom(wanted.Seed, TrainStream));
        var tests = source.Tests == 0 || wanted.Test == TestShare.Full
            ? [.. Enumerable.Repeat(Enumerable.Range(0, source.Tests).ToArray(), nodes)]
            : Partitioner.Split<int>(new int[source.Tests], nodes, PartitionSpec.Iid, new SeededRandom(wanted.Seed, TestStream));
        var labels = source.Column(wanted.Label ?? "y_train") ?? (wanted.Label is null ? source.Column("y") : null);
        string[] classes = labels is null ? [] : [.. labels.Distinct().Order(NumbersFirst)];
        if (classes.Length > MostClasses)
            (classes, labels) = ([], null);
        await RemoveOldAsync(wanted, cancellationToken);
        var made = new PartitionOfNode[nodes];
        for (var n = 0; n < nodes; n++)
        {
            var node = MnistPartitions.NameOf(n);
            await source.WriteAsync(wanted, n, nodes, parts[n], tests[n], cancellationToken);
            made[n] = new PartitionOfNode(node, parts[n].Length, tests[n].Length, [.. classes.Select(c => parts[n].Count(i => labels![i] == c))]);
        }
        var manifest = new PartitionManifest
        {
            Format = PartitionManifest.CurrentFormat, Dataset = wanted.Dataset, Partition = wanted.Partition.ToString(), Seed = wanted.Seed, Test = wanted.Test,
            ClassNames = [.. classes], Nodes = [.. made],
        };
        await manifest.WriteAsync(wanted.Folder, cancellationToken);
        return manifest;
    }

    private static IComparer<string> NumbersFirst { get; } = Comparer<string>.Create((a, b) =>
        (double.TryParse(a, CultureInfo.InvariantCulture, out var x), double.TryParse(b, CultureInfo.InvariantCulture, out var y)) switch
        {
            (true, true) when x != y => x.CompareTo(y),
            (true, false) => -1,
            (false, true) => 1,
            _ => string.CompareOrdinal(a, b),
        });

    private static async Task<Source> OpenAsync(FilePartitions wanted, CancellationToken cancellationToken) => Path.GetExtension(wanted.File).ToLowerInvariant() switch
    {
        ".npz" => new Arrays(wanted.File, await ArrayFile.ReadAsync(wanted.File, cancellationToken)),
        ".csv" when !wanted.Partition.Skews.IsEmpty => throw new InvalidSettingException($"'{wanted.Partition.Skews[0]}' changes arrays of numbers; of a .csv file rows are shared out as they are."),
        ".csv" => new Rows(await CsvRows.ReadAsync(wanted.File, cancellationToken)),
        _ => throw new InvalidSettingException($"{wanted.File} is neither .npz nor .csv; these are shared out."),
    };

    /// <summary>What the scheme goes by: a key, classes, or nothing but the number of samples.</summary>
    private static string[] Values(Source source, FilePartitions wanted)
    {
        if (wanted.Partition.KeyColumn is { } key)
            return source.Column(key) ?? source.Column($"{key}_train") ?? throw Missing(key, source, wanted.File);
        if (wanted.Label is { } label)
            return source.Column(label) ?? throw Missing(label, source, wanted.File);
        if ((source.Column("y_train") ?? source.Column("y")) is { } usual)
            return usual;
        return wanted.Partition.Scheme is PartitionScheme.Iid or PartitionScheme.Sizes or PartitionScheme.PowerLaw
            ? [.. Enumerable.Repeat("", source.Count)]
            : throw new InvalidSettingException($"'{wanted.Partition}' goes by classes, and {wanted.File} has no 'y_train' or 'y'. Say where they are with --label; there is: {string.Join(", ", source.Names)}.");
    }

    private static DatasetException Missing(string name, Source source, string file) => new($"{file} has nothing named '{name}' with a value for each sample; there is: {string.Join(", ", source.Names)}.");

    private static async Task RemoveOldAsync(FilePartitions wanted, CancellationToken cancellationToken)
    {
        var old = await PartitionManifest.TryReadAsync(wanted.Folder, cancellationToken);
        PartitionManifest.Remove(wanted.Folder);
        foreach (var node in old?.Nodes ?? [])
        {
            if (File.Exists(wanted.FileOf(node.Node)))
                File.Delete(wanted.FileOf(node.Node));
            var folder = Path.GetDirectoryName(wanted.FileOf(node.Node))!;
            if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
                Directory.Delete(folder);
        }
    }

    /// <summary>Where samples come from.</summary>
    private abstract class Source
    {
        public abstract int Count { get; }

        public abstract int Tests { get; }

        public abstract IEnumerable<string> Names { get; }

        /// <summary>A value for each sample, as text; null where there is no such column.</summary>
        public abstract string[]? Column(string name);

        public abstract Task WriteAsync(FilePartitions wanted, int node, int nodes, int[] samples, int[] tests, CancellationToken cancellationToken);
    }

    private sealed class Arrays : Source
    {
        private readonly NamedArrays arrays;

        public Arrays(string file, NamedArrays arrays)
        {
            this.arrays = arrays;
            var first = arrays.FirstOrDefault(a => a.Name is "y_train" or "y") ?? arrays.FirstOrDefault(a => !IsTest(a) && a.Shape.Length > 0)
                ?? throw new DatasetException($"{file} has no array with samples along its first dimension.");
            Count = checked((int)first.Shape[0]);
            Tests = checked((int)(arrays.FirstOrDefault(IsTest)?.Shape[0] ?? 0));
            if (arrays.FirstOrDefault(a => IsTest(a) ? a.Shape[0] != Tests : a.Shape.Length == 0 || a.Shape[0] != Count) is { } other)
                throw new DatasetException($"{file}: '{other}' has not {(IsTest(other) ? Tests : Count):N0} samples along its first dimension as others have.");
        }

        public override int Count { get; }

        public override int Tests { get; }

        public override IEnumerable<string> Names => arrays.Select(a => a.ToString());

        public override string[]? Column(string name) => !arrays.TryGet(name, out var array) || array.Shape.Length != 1 || array.Shape[0] != Count ? null : array.Type switch
        {
            ArrayType.Int64 => Texts(array.Span<long>()),
            ArrayType.Int32 => Texts(array.Span<int>()),
            ArrayType.Int16 => Texts(array.Span<short>()),
            ArrayType.UInt8 or ArrayType.Bool => Texts(array.Span<byte>()),
            ArrayType.Int8 => Texts(array.Span<sbyte>()),
            ArrayType.Float32 => Texts(array.Span<float>()),
            ArrayType.Float64 => Texts(array.Span<double>()),
            _ => null,
        };

        public override async Task WriteAsync(FilePartitions wanted, int node, int nodes, int[] samples, int[] tests, CancellationToken cancellationToken)
        {
            NamedArray[] own = [.. arrays.Select(a => Skewed(SampleRows.Of(a, IsTest(a) ? tests : samples), wanted, node, nodes))];
            await ArrayFile.WriteNpzAsync(wanted.FileOf(MnistPartitions.NameOf(node)), own, compress: false, cancellationToken);
        }

        private static NamedArray Skewed(NamedArray array, FilePartitions wanted, int node, int nodes)
        {
            if (!(array.Name is "x_train" or "x" || (array.Name == "x_test" && wanted.Test == TestShare.Split)))
                return array;
            var random = new SeededRandom(wanted.Seed, (IsTest(array) ? TestSkewStream : SkewStream) + (ulong)node);
            return wanted.Partition.Skews.Aggregate(array, (skewed, skew) => skew.Apply(skewed, node, nodes, random));
        }

        private static bool IsTest(NamedArray array) => array.Shape.Length > 0 && array.Name.EndsWith(TestEnding, StringComparison.Ordinal);

        private static string[] Texts<T>(ReadOnlySpan<T> values)
            where T : IFormattable
        {
            var texts = new string[values.Length];
            for (var i = 0; i < texts.Length; i++)
                texts[i] = values[i].ToString(null, CultureInfo.InvariantCulture);
            return texts;
        }
    }

    private sealed class Rows(CsvRows rows) : Source
    {
        public override int Count => rows.Count;

        public override int Tests => 0;

        public override IEnumerable<string> Names => rows.Columns;

        public override string[]? Column(string name) => rows.Column(name);

        public override async Task WriteAsync(FilePartitions wanted, int node, int nodes, int[] samples, int[] tests, CancellationToken cancellationToken)
        {
            var path = wanted.FileOf(MnistPartitions.NameOf(node));
            var text = new StringBuilder(rows.Header).Append('\n');
            foreach (var sample in samples)
                text.Append(rows[sample]).Append('\n');
            try
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await File.WriteAllTextAsync(path, text.ToString(), cancellationToken);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new DatasetException($"{path} cannot be written: {e.Message}", e);
            }
        }
    }
}
