using System.CommandLine;
using MantaLight.Cli.Data;
using MantaLight.Cli.Plots;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight data partition</c>: a file of one's own, shared out.</summary>
internal static class DataPartitionCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var file = new Argument<string>("file") { Description = "An .npz file with samples along the first dimension of each array (those named …_test are test samples), or a .csv file with a header." };
        var nodes = new Option<int?>("--nodes") { Description = "How many nodes share it [default: as many as a key has values, else 2]", HelpName = "N" };
        var partition = DataCommand.PartitionOption();
        var label = new Option<string?>("--label") { Description = "The array or column with the classes [default: y_train, or y]", HelpName = "NAME" };
        var name = new Option<string?>("--name") { Description = "The data set's name [default: the file's]", HelpName = "NAME" };
        var seed = DataCommand.SeedOption();
        var test = DataCommand.TestOption();
        var output = DataCommand.OutputOption("The folder for NAME/node_0/NAME.npz and so on.");
        var plot = PlotOption();
        var command = new Command("partition", "Share the samples of a file out over nodes, as one file for each.") { file, nodes, partition, label, name, seed, test, output, plot }.WithExamples(
            "mantalight data partition patients.npz --partition key:hospital",
            "mantalight data partition patients.csv --partition key:hospital --nodes 5 --label readmitted",
            "mantalight data partition scans.npz --nodes 10 --partition dirichlet:0.5+noise:0.1+min:20 --plot parts.png");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var wanted = new FilePartitions
            {
                File = parsed.GetValue(file)!, Nodes = parsed.GetValue(nodes), Partition = parsed.GetValue(partition)!, Label = parsed.GetValue(label), Name = parsed.GetValue(name),
                Seed = parsed.GetValue(seed), Test = DataCommand.TestOf(parsed, test), Output = parsed.GetValue(output)!,
            };
            var manifest = await FilePreparation.MakeAsync(wanted, cancellationToken);
            DataCommand.Tell(console, "Shared out", wanted.Folder, manifest, parsed.GetValue(plot));
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>The option <c>--plot</c>.</summary>
    public static Option<string?> PlotOption()
    {
        var plot = new Option<string?>("--plot") { Description = $"Draws each node's samples by class into a file, {PlotFile.Endings}.", HelpName = "FILE" };
        plot.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !PlotFile.IsOne(result.Tokens[0].Value))
                result.AddError($"--plot {result.Tokens[0].Value} is not possible; a plot's file ends in {PlotFile.Endings}.");
        });
        return plot;
    }
}
