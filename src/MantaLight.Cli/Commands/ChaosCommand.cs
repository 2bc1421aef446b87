using System.CommandLine;
using MantaLight.Cli.Chaos;
using MantaLight.Cli.Chaos.Faults;
using MantaLight.Cli.Chaos.Processes;
using MantaLight.Cli.Data;
using MantaLight.Cli.Running;
using MantaLight.Cli.Swarms;
using MantaLight.Torch;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight chaos</c>: a swarm under faults, against the same one undisturbed.</summary>
internal static class ChaosCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var target = new Argument<string>("swarm") { Description = "A project folder with swarm.json, or a definition (.json)." };
        var nodes = Count("--nodes", "How many nodes.", "N", 5, MnistPartitions.MaximumNodes);
        var rounds = Count("--rounds", "The last round.", "R", 10, 100_000);
        var faults = Count("--faults", "How many faults.", "F", 50, 100_000);
        var seed = new Option<ulong>("--seed") { Description = "Where the faults and all randomness of the swarm come from.", HelpName = "S", DefaultValueFactory = _ => 42 };
        var broker = new Option<string>("--broker")
        {
            Description = "embedded: this program's own. mosquitto: the one that is installed.",
            HelpName = "embedded|mosquitto",
            DefaultValueFactory = _ => "embedded",
        };
        broker.AcceptOnlyFromAmong("embedded", "mosquitto");
        var kinds = new Option<string[]>("--kinds")
        {
            Description = $"The kinds of faults, separated by commas [default: all]: {string.Join(", ", AllFaults.All.Select(f => f.Kind.Name))}.",
            HelpName = "KIND,…",
            CustomParser = result => [.. result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
        };
        kinds.Validators.Add(result =>
        {
            foreach (var kind in result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)))
            {
                if (!AllFaults.All.Any(f => f.Kind.Name == kind))
                    result.AddError($"--kinds '{kind}' is not possible; there are {string.Join(", ", AllFaults.All.Select(f => f.Kind.Name))}.");
            }
        });
        var partition = DataCommand.PartitionOption();
        var set = BrokerFlags.Set();
        var data = new Option<string?>("--data") { Description = "The folder of the nodes' data, as DATASET/NODE/DATASET.npz [default: prepared below temp/partitioned]", HelpName = "DIR" };
        var json = new Option<string?>("--json") { Description = "Writes the report, with every fault, to a file.", HelpName = "FILE" };
        var command = new Command("chaos", "Run a swarm under faults, each node and the broker a process that is killed, frozen and cut off, and compare its model with that of an undisturbed run. The exit code says whether all rounds were committed and the models are equal to the last bit.")
        {
            target, nodes, rounds, faults, seed, broker, kinds, partition, set, data, json,
        }.WithExamples(
            "mantalight chaos examples/Mnist",
            "mantalight chaos examples/Mnist --nodes 5 --rounds 10 --faults 200 --seed 7 --broker mosquitto --json chaos.json",
            "mantalight chaos examples/Mnist --rounds 2 --faults 6 --kinds coordinator_killed,connection_cut");
        command.SetAction((parsed, cancellationToken) => RunAsync(
            console,
            new ChaosSettings
            {
                Run = new RunSettings
                {
                    Target = parsed.GetValue(target)!,
                    Nodes = parsed.GetValue(nodes),
                    Partition = parsed.GetValue(partition)!,
                    Changes = new DefinitionChanges([.. parsed.GetValue(set) ?? []], parsed.GetValue(rounds), parsed.GetValue(seed)),
                    Json = parsed.GetValue(json),
                    Data = parsed.GetValue(data),
                },
                Faults = parsed.GetValue(faults),
                Broker = parsed.GetValue(broker) == "mosquitto" ? BrokerKind.Mosquitto : BrokerKind.Embedded,
                Kinds = [.. parsed.GetValue(kinds) ?? []],
            },
            cancellationToken));
        return command;
    }

    private static Option<int> Count(string name, string description, string unit, int usual, int most)
    {
        var option = new Option<int>(name) { Description = description, HelpName = unit, DefaultValueFactory = _ => usual };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var n) && (n < 1 || n > most))
                result.AddError($"{name} {n} is not possible; 1 to {most} are.");
        });
        return option;
    }

    private static async Task<int> RunAsync(CliConsole console, ChaosSettings settings, CancellationToken cancellationToken)
    {
        TorchRuntime.Register(); // for modules that use TorchSharp before anything of MantaLight.Torch
        return await new ChaosRun(settings, console, TimeProvider.System).RunAsync(cancellationToken);
    }
}
