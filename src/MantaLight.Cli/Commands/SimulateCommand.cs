using System.CommandLine;
using MantaLight.Cli.Checkpoints;
using MantaLight.Cli.Data;
using MantaLight.Cli.Running;
using MantaLight.Cli.Swarms;
using MantaLight.Torch;
using Microsoft.Extensions.Logging;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight simulate</c>: thousands of participants in one process.</summary>
internal static class SimulateCommand
{
    private const int MaximumParticipants = 100_000;

    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var target = new Argument<string>("swarm") { Description = "A project folder with swarm.json, or a definition (.json)." };
        var participants = new Option<int>("--participants") { Description = "How many take part.", HelpName = "N", DefaultValueFactory = _ => 100 };
        participants.Validators.Add(result => Numbers.Check(result, 1, MaximumParticipants));
        var fraction = new Option<double?>("--fraction") { Description = "Which part of them each round asks, chosen anew by the seed [default: as the definition says]", HelpName = "F" };
        fraction.Validators.Add(Numbers.CheckFraction);
        var slots = Numbers.Option("--slots", "How many attempts run at once; nothing but time depends on it [default: the cores over the threads of one]", 1, 1024);
        var threads = Numbers.Option("--threads", "Threads of one attempt [default: the definition's]", 1, 256);
        var partition = DataCommand.PartitionOption();
        var samples = Numbers.Option("--samples", "Gives each participant so many training samples at random, some of them to several where there are too few [default: each sample to one]", 1, 1_000_000);
        var test = new Option<string>("--test")
        {
            Description = "split: each test sample goes to one participant. full: every one gets all of them.", HelpName = "split|full", DefaultValueFactory = _ => "split",
        };
        test.AcceptOnlyFromAmong("split", "full");
        var rounds = Numbers.Option("--rounds", "The last round [default: the definition's]", 1, 1_000_000);
        rounds.HelpName = "R";
        var seed = new Option<ulong?>("--seed") { Description = "Where all randomness comes from [default: the definition's]", HelpName = "S" };
        var set = BrokerFlags.Set();
        var json = new Option<string?>("--json") { Description = "Writes the summary, with each participant's numbers, to a file.", HelpName = "FILE" };
        var data = new Option<string?>("--data") { Description = "The folder of the participants' data, as DATASET/node_0/DATASET.npz and so on [default: the known data set that the definition asks for, shared out in memory]", HelpName = "DIR" };
        var attack = new AttackFlags();
        var checkpoints = new CheckpointFlags();
        var resume = CheckpointFlags.ResumeFrom();
        var verbose = new Option<bool>("--verbose") { Description = "Shows the tasks' logs on standard error." };
        var command = new Command("simulate", "Run a swarm of very many participants in this process, on a broker in its memory: the same tasks, coordination and bits.")
        {
            target, participants, fraction, slots, threads, partition, samples, test, rounds, seed, set, json, data, attack.Attack, attack.Attackers, checkpoints.Folder, checkpoints.Every, checkpoints.Keep, resume, verbose,
        }.WithExamples(
            "mantalight simulate examples/Mnist --participants 1000 --fraction 0.1",
            "mantalight simulate examples/Mnist --participants 10000 --fraction 0.01 --partition dirichlet:0.5 --rounds 50 --json out.json",
            "mantalight simulate examples/Mnist --participants 11 --attack sign_flip:4 --attackers 2",
            "mantalight simulate examples/Mnist --participants 20000 --fraction 0.005 --samples 60 --test full",
            "mantalight simulate examples/Mnist --participants 500 --checkpoints temp/checkpoints --checkpoint-every 10");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            TorchRuntime.Register();
            using var loggers = parsed.GetValue(verbose) ? ConsoleLogs.ToError(LogLevel.Information) : ConsoleLogs.ToError(LogLevel.Error, nodes: LogLevel.Critical);
            return await new SimulatedRun(
                new SimulationSettings
                {
                    Target = parsed.GetValue(target)!, Participants = parsed.GetValue(participants), Fraction = parsed.GetValue(fraction), Slots = parsed.GetValue(slots),
                    Threads = parsed.GetValue(threads), Partition = parsed.GetValue(partition)!, Samples = parsed.GetValue(samples),
                    Test = parsed.GetValue(test) == "full" ? TestShare.Full : TestShare.Split, Data = parsed.GetValue(data),
                    Changes = new DefinitionChanges([.. parsed.GetValue(set) ?? []], parsed.GetValue(rounds), parsed.GetValue(seed)), Json = parsed.GetValue(json),
                    Attackers = attack.Of(parsed, parsed.GetValue(participants)), Checkpoints = checkpoints.Of(parsed), ResumeFrom = parsed.GetValue(resume),
                },
                console, loggers, TimeProvider.System).RunAsync(cancellationToken);
        });
        return command;
    }
}
