using System.CommandLine;
using MantaLight.Cli.Data;
using MantaLight.Cli.Running;
using MantaLight.Cli.Swarms;
using MantaLight.Torch;
using Microsoft.Extensions.Logging;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight simulate</c>: thousands of participants in one process.</summary>
internal static class SimulateCommand
{
    private const int MaximumParticipants = 60_000;

    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var target = new Argument<string>("swarm") { Description = "A project folder with swarm.json, or a definition (.json)." };
        var participants = Number("--participants", "How many take part.", 100, 1, MaximumParticipants);
        var slots = new Option<int?>("--slots") { Description = "How many attempts run at once; nothing but time depends on it [default: the cores over the definition's threads]", HelpName = "N" };
        slots.Validators.Add(result => Check(result, "--slots", 1, 1024));
        var fraction = new Option<double>("--fraction") { Description = "Which part of them each round asks.", HelpName = "F", DefaultValueFactory = _ => 1 };
        fraction.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && result.GetValueOrDefault<double>() is not (> 0 and <= 1) and var f)
                result.AddError($"--fraction {f} is not possible; above 0 and at most 1 is.");
        });
        var partition = DataCommand.PartitionOption();
        var test = new Option<string>("--test")
        {
            Description = "split: each test sample goes to one participant. full: every one gets all of them.", HelpName = "split|full", DefaultValueFactory = _ => "split",
        };
        test.AcceptOnlyFromAmong("split", "full");
        var rounds = new Option<int?>("--rounds") { Description = "The last round [default: the definition's]", HelpName = "R" };
        rounds.Validators.Add(result => Check(result, "--rounds", 1, 1_000_000));
        var seed = new Option<ulong?>("--seed") { Description = "Where all randomness comes from [default: the definition's]", HelpName = "S" };
        var set = BrokerFlags.Set();
        var json = new Option<string?>("--json") { Description = "Writes the summary, with each participant's numbers, to a file.", HelpName = "FILE" };
        var command = new Command("simulate", "Run a swarm of very many participants in this process, without a broker: the same tasks, coordination and bits.")
        {
            target, participants, fraction, slots, partition, test, rounds, seed, set, json,
        }.WithExamples(
            "mantalight simulate examples/Mnist --participants 1000 --fraction 0.1",
            "mantalight simulate examples/Mnist --participants 10000 --fraction 0.01 --partition dirichlet:0.5 --rounds 50 --json out.json");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            TorchRuntime.Register();
            using var loggers = ConsoleLogs.ToError(LogLevel.Error, nodes: LogLevel.Critical);
            return await new SimulatedRun(
                new SimulationSettings
                {
                    Target = parsed.GetValue(target)!, Participants = parsed.GetValue(participants), Fraction = parsed.GetValue(fraction), Slots = parsed.GetValue(slots),
                    Partition = parsed.GetValue(partition)!, Test = parsed.GetValue(test) == "full" ? TestShare.Full : TestShare.Split,
                    Changes = new DefinitionChanges([.. parsed.GetValue(set) ?? []], parsed.GetValue(rounds), parsed.GetValue(seed)), Json = parsed.GetValue(json),
                },
                console, loggers, TimeProvider.System).RunAsync(cancellationToken);
        });
        return command;
    }

    private static Option<int> Number(string name, string description, int usual, int least, int most)
    {
        var option = new Option<int>(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => usual };
        option.Validators.Add(result => Check(result, name, least, most));
        return option;
    }

    private static void Check(System.CommandLine.Parsing.OptionResult result, string name, int least, int most)
    {
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var n) && (n < least || n > most))
            result.AddError($"{name} {n} is not possible; {least} to {most} are.");
    }
}
