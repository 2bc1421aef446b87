using System.CommandLine;
using System.CommandLine.Parsing;
using MantaLight.Cli.Data;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight data</c>: data sets for nodes.</summary>
internal static class DataCommand
{
    private const string SplitTest = "split";
    private const string FullTest = "full";

    private static readonly MnistPartitions Defaults = new() { Nodes = 2 };

    /// <summary>The command.</summary>
    public static Command Create(CliConsole console) => new("data", "Prepare data sets for nodes.") { Prepare(console), DataGenerateCommand.Create(console) };

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
        var seed = new Option<ulong>("--seed")
        {
            Description = "Where all random choices come from: the same seed gives the same files.",
            HelpName = "S",
            DefaultValueFactory = _ => Defaults.Seed,
        };
        var test = new Option<string>("--test")
        {
            Description = "split: each test sample goes to one node. full: every node gets all of them.",
            HelpName = $"{SplitTest}|{FullTest}",
            DefaultValueFactory = _ => SplitTest,
        };
        test.AcceptOnlyFromAmong(SplitTest, FullTest);
        var output = new Option<string>("--out")
        {
            Description = "The folder for mnist/node_0/mnist.npz and so on.",
            HelpName = "DIR",
            DefaultValueFactory = _ => Defaults.Output,
        };
        var source = new Option<string?>("--source") { Description = "A folder with the original files (MNIST's four, plain or .gz; CIFAR-10's archive, or its six); nothing is downloaded then.", HelpName = "DIR" };
        var cache = new Option<string?>("--cache") { Description = $"The folder for downloads [default: {CacheFolder.Variable}, or the user's cache folder]", HelpName = "DIR" };
        var force = new Option<bool>("--force") { Description = "Make the files again even if they are as wanted." };
        var command = new Command("prepare", "Share a data set out over nodes, as one .npz file for each (x_train, y_train, x_test, y_test).")
        {
            dataset, nodes, partition, seed, test, output, source, cache, force,
        }.WithExamples(
            "mantalight data prepare mnist --nodes 2",
            "mantalight data prepare mnist --nodes 5 --partition non-iid-2 --seed 42",
            "mantalight data prepare mnist --nodes 10 --partition dirichlet:0.5 --test full",
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
                Test = parsed.GetValue(test) == FullTest ? TestShare.Full : TestShare.Split,
                Output = parsed.GetValue(output)!,
            },
            KnownDatasets.SourcesOf(parsed.GetValue(dataset)!, parsed.GetValue(source), parsed.GetValue(cache)),
            parsed.GetValue(force),
            cancellationToken));
        return command;
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
        if (!PartitionSpec.TryParse(result.Tokens[0].Value, out var spec))
            result.AddError($"--partition '{result.Tokens[0].Value}' is not possible; allowed are {PartitionSpec.Allowed}.");
        return spec;
    }

    private static async Task<int> RunAsync(
        CliConsole console, MnistPartitions wanted, IImageSources sources, bool force, CancellationToken cancellationToken)
    {
        if (force)
            PartitionManifest.Remove(wanted.Folder);
        var (manifest, made) = await DownloadView.ShowAsync(
            console, progress => MnistPreparation.EnsureAsync(wanted, sources, progress, cancellationToken));
        console.Out.WriteLine($"{(made ? "Prepared" : "Already prepared")}: {wanted.Folder} ({manifest.Partition}, seed {manifest.Seed}, test {(manifest.Test == TestShare.Full ? FullTest : SplitTest)})");
        PartitionTable.Write(console, manifest);
        if (wanted.Partition is PartitionSpec.Classes { PerNode: var k } && manifest.Nodes.Any(n => n.Classes.Count(c => c > 0) > k))
            console.Out.WriteLine($"Note: {wanted.Nodes} x {k} is less than the number of classes; nodes got more than {k}, so that no sample is left out.");
        return ExitCodes.Success;
    }
}
