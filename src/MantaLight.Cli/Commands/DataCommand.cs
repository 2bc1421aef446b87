using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using MantaLight.Cli.Data;
using MantaLight.Cli.Plots;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight data</c>: data sets for nodes.</summary>
internal static class DataCommand
{
    private const string SplitTest = "split";
    private const string FullTest = "full";

    private static readonly MnistPartitions Defaults = new() { Nodes = 2 };

    /// <summary>The command.</summary>
    public static Command Create(CliConsole console) => new("data", "Prepare data sets for nodes.") { Prepare(console), DataPartitionCommand.Create(console), DataGenerateCommand.Create(console) };

    private static Command Prepare(CliConsole console)
    {
        var dataset = new Argument<string>("dataset") { Description = $"The data set: {string.Join(" or ", KnownDatasets.Names)}." };
        dataset.AcceptOnlyFromAmong([.. KnownDatasets.Names]);
        var nodes = new Option<int>("--nodes")
        {
            Description = "How many nodes share it.",
            HelpName = "N",
            DefaultValueFactory = _ => Defaults.Nodes,
        };
        nodes.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var n) && n is < 1 or > MnistPartitions.MaximumNodes)
                result.AddError($"--nodes {n} is not possible; 1 to {MnistPartitions.MaximumNodes} are.");
        });
        var partition = PartitionOption();
        var seed = SeedOption();
        var test = TestOption();
        var output = OutputOption("The folder for mnist/node_0/mnist.npz and so on.");
        var source = new Option<string?>("--source") { Description = "A folder with the original files (MNIST's four, plain or .gz; CIFAR-10's archive, or its six); nothing is downloaded then.", HelpName = "DIR" };
        var cache = new Option<string?>("--cache") { Description = $"The folder for downloads [default: {CacheFolder.Variable}, or the user's cache folder]", HelpName = "DIR" };
        var force = new Option<bool>("--force") { Description = "Make the files again even if they are as wanted." };
        var plot = DataPartitionCommand.PlotOption();
        var command = new Command("prepare", "Share a data set out over nodes, as one .npz file for each (x_train, y_train, x_test, y_test).")
        {
            dataset, nodes, partition, seed, test, output, source, cache, force, plot,
        }.WithExamples(
            "mantalight data prepare mnist --nodes 2",
            "mantalight data prepare mnist --nodes 5 --partition non-iid-2 --seed 42",
            "mantalight data prepare mnist --nodes 10 --partition dirichlet:0.5 --test full",
            "mantalight data prepare mnist --nodes 4 --partition iid+rotate:360 --plot parts.png",
            "mantalight data prepare mnist --source ~/Downloads/mnist",
            "mantalight data prepare cifar10 --nodes 4 --partition dirichlet:0.5");
        command.SetAction((parsed, cancellationToken) => RunAsync(
            console,
            new MnistPartitions
            {
                Dataset = parsed.GetValue(dataset)!,
                Nodes = parsed.GetValue(nodes),
                Partition = parsed.GetValue(partition)!,
                Seed = parsed.GetValue(seed),
                Test = TestOf(parsed, test),
                Output = parsed.GetValue(output)!,
            },
            KnownDatasets.SourcesOf(parsed.GetValue(dataset)!, parsed.GetValue(source), parsed.GetValue(cache)),
            parsed.GetValue(force),
            parsed.GetValue(plot),
            cancellationToken));
        return command;
    }

    /// <summary>The option <c>--seed</c>.</summary>
    public static Option<ulong> SeedOption() => new("--seed")
    {
        Description = "Where all random choices come from: the same seed gives the same files.",
        HelpName = "S",
        DefaultValueFactory = _ => Defaults.Seed,
    };

    /// <summary>The option <c>--test</c>.</summary>
    public static Option<string> TestOption()
    {
        var test = new Option<string>("--test")
        {
            Description = "split: each test sample goes to one node. full: every node gets all of them.",
            HelpName = $"{SplitTest}|{FullTest}",
            DefaultValueFactory = _ => SplitTest,
        };
        test.AcceptOnlyFromAmong(SplitTest, FullTest);
        return test;
    }

    /// <summary>What <see cref="TestOption"/> says.</summary>
    public static TestShare TestOf(ParseResult parsed, Option<string> test) => parsed.GetValue(test) == FullTest ? TestShare.Full : TestShare.Split;

    /// <summary>The option <c>--out</c>.</summary>
    public static Option<string> OutputOption(string description) => new("--out") { Description = description, HelpName = "DIR", DefaultValueFactory = _ => Defaults.Output };

    /// <summary>Says what was made: where, who got what, and as a plot where that is wanted.</summary>
    public static void Tell(CliConsole console, string what, string folder, PartitionManifest manifest, string? plot)
    {
        console.Out.WriteLine($"{what}: {folder} ({manifest.Partition}, seed {manifest.Seed}, test {(manifest.Test == TestShare.Full ? FullTest : SplitTest)})");
        PartitionTable.Write(console, manifest);
        if (plot is null)
            return;
        var most = manifest.Nodes.Max(n => n.Classes.Length);
        string[] classes = [.. manifest.ClassNames ?? [.. Enumerable.Range(0, most).Select(c => c.ToString(CultureInfo.InvariantCulture))]];
        ClassChart.Write(
            $"{manifest.Dataset}, {manifest.Partition}, seed {manifest.Seed}",
            [.. manifest.Nodes.Select(n => (n.Node, (IReadOnlyList<int>)(classes.Length == 0 ? [n.Train] : [.. n.Classes])))], classes, plot);
        console.Out.WriteLine($"Plot: {Path.GetFullPath(plot)}");
    }

    /// <summary>The option <c>--partition</c>.</summary>
    public static Option<PartitionSpec> PartitionOption() => new("--partition")
    {
        Description = $"How training samples are shared out: {PartitionSpec.Allowed}.",
        HelpName = "P",
        DefaultValueFactory = _ => Defaults.Partition,
        CustomParser = ParsePartition,
    };

    private static PartitionSpec? ParsePartition(ArgumentResult result)
    {
        try
        {
            return PartitionSpec.Parse(result.Tokens[0].Value);
        }
        catch (InvalidSettingException e)
        {
            result.AddError($"--partition '{result.Tokens[0].Value}' is not possible: {e.Message}");
            return null;
        }
    }

    private static async Task<int> RunAsync(
        CliConsole console, MnistPartitions wanted, IImageSources sources, bool force, string? plot, CancellationToken cancellationToken)
    {
        if (force)
            PartitionManifest.Remove(wanted.Folder);
        var (manifest, made) = await DownloadView.ShowAsync(
            console, progress => MnistPreparation.EnsureAsync(wanted, sources, progress, cancellationToken));
        Tell(console, made ? "Prepared" : "Already prepared", wanted.Folder, manifest, plot);
        if (wanted.Partition.Scheme is PartitionScheme.Classes { PerNode: var k } && manifest.Nodes.Any(n => n.Classes.Count(c => c > 0) > k))
            console.Out.WriteLine($"Note: {wanted.Nodes} x {k} is less than the number of classes; nodes got more than {k}, so that no sample is left out.");
        return ExitCodes.Success;
    }
}
