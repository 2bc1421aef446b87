using System.CommandLine;
using MantaLight.Cli.Data;
using MantaLight.Cli.Data.Generation;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight data generate</c>: the data that a module makes for itself.</summary>
internal static class DataGenerateCommand
{
    private static readonly string DefaultOutput = Path.Combine("temp", "generated");

    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var module = new Argument<string>("module") { Description = "The project folder of a module that generates data, or its .dll." };
        var dataset = new Option<string?>("--dataset") { Description = "Which of its data sets [default: the one it has]", HelpName = "NAME" };
        var nodes = new Option<int?>("--nodes") { Description = "For how many nodes [default: as the generator has it]", HelpName = "N" };
        nodes.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var n) && n is < 1 or > MnistPartitions.MaximumNodes)
                result.AddError($"--nodes {n} is not possible; 1 to {MnistPartitions.MaximumNodes} are.");
        });
        var seed = new Option<ulong>("--seed") { Description = "Where all randomness comes from: the same seed gives the same files.", HelpName = "S", DefaultValueFactory = _ => 42 };
        var set = new Option<string[]>("--set") { Description = "An option of the generator, as KEY=VALUE; may be given several times.", HelpName = "KEY=VALUE" };
        var output = new Option<string>("--out") { Description = "The folder for DATASET/node_0/DATASET.npz (or .csv) and so on.", HelpName = "DIR", DefaultValueFactory = _ => DefaultOutput };
        var command = new Command("generate", "Make a module's own data, a file for each node.") { module, dataset, nodes, seed, set, output }.WithExamples(
            "mantalight data generate examples/Synthetic --set alpha=1 --set beta=1 --seed 1",
            "mantalight data generate examples/Readmission --nodes 4 --out temp/hospitals");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await GeneratedData.MakeAsync(
                new GenerationSettings
                {
                    Module = parsed.GetValue(module)!, Dataset = parsed.GetValue(dataset), Nodes = parsed.GetValue(nodes), Seed = parsed.GetValue(seed),
                    Options = parsed.GetValue(set) ?? [], Output = parsed.GetValue(output)!,
                },
                console, cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }
}
