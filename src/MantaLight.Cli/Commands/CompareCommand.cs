using System.CommandLine;
using MantaLight.Cli.Comparing;
using MantaLight.Cli.Data;
using MantaLight.Cli.Running;
using MantaLight.Cli.Swarms;
using MantaLight.Torch;
using Microsoft.Extensions.Logging;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight compare</c>: centralized, federated, alone.</summary>
internal static class CompareCommand
{
    private const int MaximumParticipants = 1_000;

    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var target = new Argument<string>("swarm") { Description = "A project folder with swarm.json, or a definition (.json)." };
        var participants = new Option<int>("--participants") { Description = "How many take part.", HelpName = "N", DefaultValueFactory = _ => 5 };
        participants.Validators.Add(result => Numbers.Check(result, 1, MaximumParticipants));
        var alone = Numbers.Option("--alone", "How many of them train alone too, the first ones; 0 for none [default: all, at most 10]", 0, MaximumParticipants);
        var fraction = new Option<double?>("--fraction") { Description = "Which part of them each round asks, chosen anew by the seed [default: as the definition says]", HelpName = "F" };
        fraction.Validators.Add(Numbers.CheckFraction);
        var slots = Numbers.Option("--slots", "How many attempts run at once; nothing but time depends on it [default: the cores over the threads of one]", 1, 1024);
        var threads = Numbers.Option("--threads", "Threads of one attempt [default: the definition's]", 1, 256);
        var partition = DataCommand.PartitionOption();
        var test = new Option<string>("--test")
        {
            Description = "What the federated one is tested on. full: all test data, by every participant that tests. split: each tests its own part, which is quicker where all of them test.", HelpName = "split|full", DefaultValueFactory = _ => "full",
        };
        test.AcceptOnlyFromAmong("split", "full");
        var rounds = Numbers.Option("--rounds", "The last round [default: the definition's]", 1, 1_000_000);
        rounds.HelpName = "R";
        var seed = new Option<ulong?>("--seed") { Description = "Where all randomness comes from [default: the definition's]", HelpName = "S" };
        var set = BrokerFlags.Set();
        var json = new Option<string?>("--json") { Description = "Writes the comparison to a file.", HelpName = "FILE" };
        var output = new Option<string?>("--out") { Description = "Writes a report (comparison.md, comparison.json) and plots (.png, .svg) of accuracy, loss, bytes and classes to a folder.", HelpName = "DIR" };
        var data = new Option<string?>("--data") { Description = "The folder of the participants' data, as DATASET/node_0/DATASET.npz and so on [default: MNIST, shared out in memory]", HelpName = "DIR" };
        var verbose = new Option<bool>("--verbose") { Description = "Shows the tasks' logs on standard error." };
        var command = new Command("compare", "Train the same model federated, centralized on everybody's data, and each participant alone: as many epochs, the same test.")
        {
            target, participants, alone, fraction, slots, threads, partition, test, rounds, seed, set, json, output, data, verbose,
        }.WithExamples(
            "mantalight compare examples/Mnist",
            "mantalight compare examples/Mnist --participants 10 --partition dirichlet:0.3 --rounds 20 --out temp/comparison",
            "mantalight compare examples/Mnist --participants 5 --partition non-iid-2 --json out.json",
            "mantalight compare my/Project --data parts --participants 8 --alone 3");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            TorchRuntime.Register();
            using var loggers = parsed.GetValue(verbose) ? ConsoleLogs.ToError(LogLevel.Information) : ConsoleLogs.ToError(LogLevel.Error, nodes: LogLevel.Critical);
            return await new Comparison(
                new CompareSettings
                {
                    Federated = new SimulationSettings
                    {
                        Target = parsed.GetValue(target)!, Participants = parsed.GetValue(participants), Fraction = parsed.GetValue(fraction), Slots = parsed.GetValue(slots), Threads = parsed.GetValue(threads),
                        Partition = parsed.GetValue(partition)!, Test = parsed.GetValue(test) == "full" ? TestShare.Full : TestShare.Split, Data = parsed.GetValue(data),
                        Changes = new DefinitionChanges([.. parsed.GetValue(set) ?? []], parsed.GetValue(rounds), parsed.GetValue(seed)), Json = parsed.GetValue(json),
                    },
                    Alone = parsed.GetValue(alone), Output = parsed.GetValue(output),
                },
                console, loggers, TimeProvider.System).RunAsync(cancellationToken);
        });
        return command;
    }
}
