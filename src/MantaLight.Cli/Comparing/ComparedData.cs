using System.Collections.Immutable;
using System.Globalization;
using MantaLight.Cli.Data;
using MantaLight.Protocol;
using MantaLight.Virtual;
using MantaLight.Weights;

namespace MantaLight.Cli.Comparing;

/// <summary>The participants' data: as they have them, all of them at one place, and each one's alone. All are tested on the same test samples, the arrays whose names end in <c>_test</c>.</summary>
internal sealed class ComparedData
{
    private const string TestEnding = "_test";
    private const int MostClasses = 100;

    private readonly string[] datasets;
    private readonly Dictionary<string, NamedArray[]>[] own;
    private readonly Dictionary<string, NamedArray[]> union;
    private readonly ImmutableArray<VirtualNode> nodes;

    private ComparedData(ImmutableArray<VirtualNode> nodes, string[] datasets, Dictionary<string, NamedArray[]>[] own)
    {
        (this.nodes, this.datasets, this.own) = (nodes, datasets, own);
        union = datasets.ToDictionary(d => d, d => Union(d, own), StringComparer.Ordinal);
        Samples = [.. own.Select(d => datasets.Select(name => TrainingSamples(d[name])).DefaultIfEmpty(0).Max())];
        TrainingBytes = own.Sum(d => datasets.Sum(name => d[name].Where(a => !IsTest(a)).Sum(a => (long)a.Data.Length)));
        (Classes, Histograms) = CountClasses();
    }

    /// <summary>How many participants there are.</summary>
    public int Count => nodes.Length;

    /// <summary>Each one's training samples.</summary>
    public ImmutableArray<long> Samples { get; }

    /// <summary>Bytes of everybody's training data: what has to be sent to have them at one place.</summary>
    public long TrainingBytes { get; }

    /// <summary>The classes' names; empty where targets are no classes.</summary>
    public ImmutableArray<string> Classes { get; }

    /// <summary>Each one's training samples by class; where there are no classes, how many.</summary>
    public ImmutableArray<ImmutableArray<int>> Histograms { get; }

    /// <summary>Reads what the participants have.</summary>
    /// <exception cref="DatasetException">Something cannot be read, or is no array, or does not fit together.</exception>
    public static async Task<ComparedData> GatherAsync(ImmutableArray<VirtualNode> nodes, IEnumerable<string> datasets, CancellationToken cancellationToken)
    {
        string[] names = [.. datasets];
        var own = new Dictionary<string, NamedArray[]>[nodes.Length];
        for (var n = 0; n < nodes.Length; n++)
        {
            own[n] = new Dictionary<string, NamedArray[]>(StringComparer.Ordinal);
            foreach (var name in names)
                own[n][name] = [.. nodes[n].Datasets.InMemory(name) ?? await ArrayFile.ReadAsync(FileOf(nodes[n], name), cancellationToken)];
        }
        return new ComparedData(nodes, names, own);
    }

    /// <summary>The participants of the federated run.</summary>
    /// <param name="isTestFull">Whether each has all test samples; else those that it has.</param>
    public ImmutableArray<VirtualNode> Federated(bool isTestFull) => [.. nodes.Select((node, n) => Node(node.Id, name => isTestFull ? Trained(own[n], name) : own[n][name]) with { Attack = node.Attack })];

    /// <summary>One participant with all data, by the name of the first: the same seeds as a simulation of one.</summary>
    public VirtualNode Centralized() => Node(nodes[0].Id, name => union[name]);

    /// <summary>One participant by itself.</summary>
    public VirtualNode Alone(int number) => Node(nodes[number].Id, name => Trained(own[number], name));

    /// <summary>Its own training samples, and all test samples.</summary>
    private NamedArray[] Trained(Dictionary<string, NamedArray[]> of, string name) => [.. of[name].Where(a => !IsTest(a)), .. union[name].Where(IsTest)];

    private VirtualNode Node(string id, Func<string, NamedArray[]> arraysOf)
    {
        var arrays = datasets.ToDictionary(name => name, arraysOf, StringComparer.Ordinal);
        return new VirtualNode(id, new Provider(arrays), [.. datasets.Select(name => new PresentDataset { Name = name, Train = TrainingSamples(arrays[name]) })]);
    }

    private static NamedArray[] Union(string dataset, Dictionary<string, NamedArray[]>[] own)
    {
        NamedArray[][] arrays = [.. own[0][dataset].Select(array => own.Select((d, n) => d[dataset].FirstOrDefault(a => a.Name == array.Name)
            ?? throw new DatasetException($"Data set '{dataset}' has an array '{array.Name}' at the first participant, and none at number {n + 1}.")).ToArray())];
        // A test set that all have is there once: labels alone may be the same by chance.
        var isShared = arrays.Where(all => IsTest(all[0])).All(all => all.All(a => IsSame(a, all[0])));
        return [.. arrays.Select(all => all[0].Shape.Length == 0 || (isShared && IsTest(all[0])) ? all[0] : SampleRows.Concat(all))];
    }

    private static bool IsSame(NamedArray one, NamedArray other) => one.SameLayoutAs(other) && (one.Data.Equals(other.Data) || one.Data.Span.SequenceEqual(other.Data.Span));

    private (ImmutableArray<string>, ImmutableArray<ImmutableArray<int>>) CountClasses()
    {
        var labels = own.Select(d => datasets.SelectMany(name => d[name]).FirstOrDefault(a => a.Name == "y_train")).ToArray();
        long[]?[] values = [.. labels.Select(LongsOf)];
        long[] classes = values.Any(v => v is null) ? [] : [.. values.SelectMany(v => v!).Distinct().Order()];
        return classes.Length is 0 or > MostClasses
            ? ([], [.. Samples.Select(s => ImmutableArray.Create((int)s))])
            : ([.. classes.Select(c => c.ToString(CultureInfo.InvariantCulture))], [.. values.Select(v => Counted(v!, classes))]);

        static ImmutableArray<int> Counted(long[] values, long[] classes)
        {
            var counts = new int[classes.Length];
            foreach (var value in values)
                counts[Array.BinarySearch(classes, value)]++;
            return [.. counts];
        }
    }

    private static long[]? LongsOf(NamedArray? labels) => labels is null || labels.Shape.Length != 1 ? null : labels.Type switch
    {
        ArrayType.Int64 => labels.Span<long>().ToArray(),
        ArrayType.Int32 => [.. labels.Span<int>().ToArray().Select(v => (long)v)],
        ArrayType.UInt8 => [.. labels.Data.ToArray().Select(v => (long)v)],
        _ => null,
    };

    private static long TrainingSamples(NamedArray[] arrays) => arrays.Where(a => !IsTest(a) && a.Shape.Length > 0).Select(a => a.Shape[0]).DefaultIfEmpty(0).Max();

    private static bool IsTest(NamedArray array) => array.Name.EndsWith(TestEnding, StringComparison.Ordinal) && array.Shape.Length > 0;

    private static string FileOf(VirtualNode node, string dataset)
    {
        var path = node.Datasets.Find(dataset) ?? throw new DatasetException($"{node.Id} has no data set '{dataset}'.");
        string[] files = Directory.Exists(path) ? [.. Directory.EnumerateFiles(path).Where(ArrayFile.IsArrayFile)] : [path];
        return files is [var only] && ArrayFile.IsArrayFile(only)
            ? only
            : throw new DatasetException($"Data set '{dataset}' of {node.Id} is {path}, and compare puts participants' data together only where they are arrays: one .npz file for each.");
    }

    private sealed class Provider(Dictionary<string, NamedArray[]> arrays) : MantaLight.Tasks.IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [.. arrays.Keys.Order(StringComparer.Ordinal)];

        public string? Find(string dataset) => null;

        public NamedArrays? InMemory(string dataset) => arrays.TryGetValue(dataset, out var found) ? new NamedArrays(found) : null;
    }
}
