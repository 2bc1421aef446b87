using System.CommandLine;
using MantaLight.Cli.Checkpoints;
using MantaLight.Cli.Hosting;
using MantaLight.Node;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight node</c>: one participant.</summary>
internal static class NodeCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var id = new Option<string?>("--id") { Description = "The node's id; one process at a time.", HelpName = "ID" };
        var cluster = new Option<string?>("--cluster") { Description = $"The cluster [default: {BrokerFlags.DefaultCluster}]", HelpName = "C" };
        var broker = new Option<string?>("--broker") { Description = $"The broker [default: {BrokerFlags.DefaultBroker}]", HelpName = "URI" };
        var datasets = DatasetOption();
        var modules = new Option<string[]>("--module") { Description = "A module: a .dll, or a project folder, which is built where its output is old; may be repeated.", HelpName = "PATH" };
        var concurrency = new Option<int?>("--concurrency") { Description = "How many tasks run at once [default: 2]", HelpName = "N" };
        var tags = new Option<string[]>("--tag") { Description = "A tag that placement can ask for; may be repeated.", HelpName = "T" };
        var state = new Option<string?>("--state-folder") { Description = "Where staged results lie until their round is over.", HelpName = "DIR" };
        var checkpoints = new CheckpointFlags();
        var telemetry = new Option<TelemetryExport?>("--telemetry") { Description = "Where metrics and traces go: none, console, or otlp (to the collector that OTEL_ variables name).", HelpName = "none|console|otlp" };
        var gpu = new Option<bool>("--gpu") { Description = "Lets tasks use this machine's GPU." };
        var hold = new Option<string?>("--hold-file") { Description = "For trials under faults: an attempt waits, before it begins, while this file has the line ROUND.ALIAS.", HelpName = "FILE" };
        var lifeline = new Option<bool>("--until-input-ends") { Description = "Stops when standard input ends.", Hidden = true };
        var command = new Command("node", "Take part in swarms with this machine's data. Settings come from appsettings.json (section MantaLight), MANTALIGHT_ variables and flags, which win.")
        {
            id, cluster, broker, datasets, modules, concurrency, tags, state, checkpoints.Folder, checkpoints.Every, checkpoints.Keep, telemetry, gpu, hold, lifeline,
        }.WithExamples(
            "mantalight node --id node_0 --dataset mnist=temp/partitioned/mnist/node_0/mnist.npz --module examples/Mnist",
            "mantalight node --id hospital_3 --broker mqtts://broker.example --dataset scans=/data/scans --module Scans.dll --telemetry otlp",
            "MANTALIGHT_ID=node_0 MANTALIGHT_DATASETS__mnist=/data/mnist.npz mantalight node --module Mnist.dll");
        command.SetAction((parsed, cancellationToken) => NodeHost.RunAsync(
            console,
            new NodeFlags
            {
                Id = parsed.GetValue(id),
                Cluster = parsed.GetValue(cluster),
                Broker = parsed.GetValue(broker),
                Datasets = [.. parsed.GetValue(datasets) ?? []],
                Modules = [.. parsed.GetValue(modules) ?? []],
                Concurrency = parsed.GetValue(concurrency),
                Tags = [.. parsed.GetValue(tags) ?? []],
                StateFolder = parsed.GetValue(state),
                Checkpoints = parsed.GetValue(checkpoints.Folder),
                CheckpointEvery = parsed.GetValue(checkpoints.Every),
                KeepCheckpoints = parsed.GetValue(checkpoints.Keep),
                Telemetry = parsed.GetValue(telemetry),
                Gpu = parsed.GetValue(gpu),
                HoldFile = parsed.GetValue(hold),
                UntilInputEnds = parsed.GetValue(lifeline),
            },
            cancellationToken));
        return command;
    }

    /// <summary><c>--dataset NAME=PATH</c>, any number of times.</summary>
    public static Option<string[]> DatasetOption()
    {
        var datasets = new Option<string[]>("--dataset") { Description = "A data set and its file or folder here; may be repeated.", HelpName = "NAME=PATH" };
        datasets.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(t => t.Value.IndexOf('=', StringComparison.Ordinal) < 1))
                result.AddError($"--dataset '{token.Value}' is not possible; expected is NAME=PATH, for example mnist=temp/partitioned/mnist/node_0/mnist.npz.");
        });
        return datasets;
    }
}
