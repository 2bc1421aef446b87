using System.CommandLine;
using MantaLight.Cli.Checkpoints;
using MantaLight.Cli.Data;
using MantaLight.Cli.Running;
using MantaLight.Cli.Swarms;
using MantaLight.Torch;
using Microsoft.Extensions.Logging;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight run</c>: a whole swarm from one command.</summary>
internal static class RunCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var target = new Argument<string>("swarm") { Description = "A project folder with swarm.json, or a definition (.json)." };
        var nodes = new Option<int>("--nodes") { Description = "How many nodes.", HelpName = "N", DefaultValueFactory = _ => 2 };
        nodes.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var n) && n is < 1 or > MnistPartitions.MaximumNodes)
                result.AddError($"--nodes {n} is not possible; 1 to {MnistPartitions.MaximumNodes} are.");
        });
        var partition = DataCommand.PartitionOption();
        var test = new Option<string>("--test")
        {
            Description = "split: each test sample goes to one node. full: every node gets all of them.",
            HelpName = "split|full",
            DefaultValueFactory = _ => "split",
        };
        test.AcceptOnlyFromAmong("split", "full");
        var rounds = new Option<int?>("--rounds") { Description = "The last round [default: the definition's]", HelpName = "R" };
        rounds.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var n) && n < 1)
                result.AddError($"--rounds {n} is not possible; at least 1 is.");
        });
        var seed = new Option<ulong?>("--seed") { Description = "Where all randomness comes from [default: the definition's]", HelpName = "S" };
        var set = BrokerFlags.Set();
        var processes = new Option<bool>("--processes") { Description = "Runs each node in a process of its own." };
        var broker = new Option<string?>("--broker") { Description = "A broker that is there already [default: one of its own, on a free port]", HelpName = "URI" };
        var cluster = BrokerFlags.Cluster();
        var id = BrokerFlags.Id();
        var json = new Option<string?>("--json") { Description = "Writes the summary, with each node's numbers, to a file.", HelpName = "FILE" };
        var data = new Option<string?>("--data") { Description = "The folder of the nodes' data, as DATASET/NODE/DATASET.npz [default: prepared below temp/partitioned]", HelpName = "DIR" };
        var attack = new AttackFlags();
        var checkpoints = new CheckpointFlags();
        var resume = CheckpointFlags.ResumeFrom();
        var verbose = new Option<bool>("--verbose") { Description = "Shows the nodes' logs on standard error." };
        var command = new Command("run", "Run a swarm: prepare its data, start a broker and nodes, deploy, watch, sum up.")
        {
            target, nodes, partition, test, rounds, seed, set, processes, broker, cluster, id, json, data, attack.Attack, attack.Attackers, checkpoints.Folder, checkpoints.Every, checkpoints.Keep, resume, verbose,
        }.WithExamples(
            "mantalight run examples/Mnist",
            "mantalight run examples/Mnist --nodes 5 --partition non-iid-2 --rounds 20 --json out.json",
            "mantalight run examples/Mnist --set hyperparameters.lr=0.02 --processes",
            "mantalight run examples/Mnist --nodes 11 --attack sign_flip:4 --attackers 2",
            "mantalight run examples/Mnist --checkpoints temp/checkpoints --checkpoint-every 2",
            "mantalight run examples/Mnist --resume-from temp/checkpoints/mnist-round-8.safetensors --rounds 20",
            "mantalight run examples/Mnist/swarm.99.json --test full --broker mqtt://broker.example:1883 --id trial_7");
        command.SetAction((parsed, cancellationToken) => RunAsync(
            console,
            new RunSettings
            {
                Target = parsed.GetValue(target)!,
                Nodes = parsed.GetValue(nodes),
                Partition = parsed.GetValue(partition)!,
                Test = parsed.GetValue(test) == "full" ? TestShare.Full : TestShare.Split,
                Changes = new DefinitionChanges([.. parsed.GetValue(set) ?? []], parsed.GetValue(rounds), parsed.GetValue(seed)),
                Processes = parsed.GetValue(processes),
                Broker = parsed.GetValue(broker) is { } uri ? BrokerFlags.Parse(uri) : null,
                Cluster = parsed.GetValue(cluster)!,
                Id = parsed.GetValue(id),
                Json = parsed.GetValue(json),
                Data = parsed.GetValue(data),
                Attackers = attack.Of(parsed, parsed.GetValue(nodes)),
                Checkpoints = checkpoints.Of(parsed),
                ResumeFrom = parsed.GetValue(resume),
                Verbose = parsed.GetValue(verbose),
            },
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CliConsole console, RunSettings settings, CancellationToken cancellationToken)
    {
        TorchRuntime.Register(); // for modules that use TorchSharp before anything of MantaLight.Torch
        using var loggers = settings.Verbose ? ConsoleLogs.ToError(LogLevel.Information) : ConsoleLogs.ToError(LogLevel.Error, nodes: LogLevel.Critical);
        return await new SwarmRun(settings, console, loggers, TimeProvider.System).RunAsync(cancellationToken);
    }
}
