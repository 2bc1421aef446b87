using System.CommandLine;
using MantaLight.Cli.Doctor;
using MantaLight.Torch;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight doctor</c>: what would keep a node or a swarm from working here, and what to do about it.</summary>
internal static class DoctorCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var target = new Argument<string?>("swarm") { Description = "A project folder with swarm.json, or a definition (.json), to check as well.", Arity = ArgumentArity.ZeroOrOne };
        var broker = BrokerFlags.Broker();
        var cluster = BrokerFlags.Cluster();
        var datasets = NodeCommand.DatasetOption();
        var data = new Option<string?>("--data") { Description = "The folder of a run's data, as DATASET/NODE/DATASET.npz.", HelpName = "DIR" };
        var modules = new Option<string[]>("--module") { Description = "A module: a .dll, or a project folder; may be repeated.", HelpName = "PATH" };
        var state = new Option<string?>("--state-folder") { Description = "Where a node would keep its state [default: the nodes' folder in the user's local application data]", HelpName = "DIR" };
        var json = new Option<bool>("--json") { Description = "Writes the findings as JSON." };
        var command = new Command("doctor", "Check broker, nodes, clock, disk, data, modules and libtorch, and name remedies. The exit code is 1 where there is a problem.")
        {
            target, broker, cluster, datasets, data, modules, state, json,
        }.WithExamples(
            "mantalight doctor",
            "mantalight doctor examples/Mnist --data temp/partitioned",
            "mantalight doctor --broker mqtts://user:password@broker.example --dataset mnist=/data/mnist.npz --module Mnist.dll --json");
        command.SetAction((parsed, cancellationToken) => RunAsync(
            console,
            new DoctorSettings
            {
                Target = parsed.GetValue(target),
                Broker = BrokerFlags.Parse(parsed.GetValue(broker)!),
                Cluster = parsed.GetValue(cluster)!,
                Datasets = [.. (parsed.GetValue(datasets) ?? []).Select(d => d.Split('=', 2)).Select(d => KeyValuePair.Create(d[0], d[1]))],
                Data = parsed.GetValue(data),
                Modules = [.. parsed.GetValue(modules) ?? []],
                StateFolder = Path.GetFullPath(parsed.GetValue(state) ?? Path.Combine(
                    Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "mantalight", parsed.GetValue(cluster)!)),
            },
            parsed.GetValue(json),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CliConsole console, DoctorSettings settings, bool json, CancellationToken cancellationToken)
    {
        TorchRuntime.Register(); // for modules that use TorchSharp before anything of MantaLight.Torch
        var findings = new List<Finding>();
        await foreach (var finding in new Examination(settings, console, TimeProvider.System).RunAsync(cancellationToken))
        {
            findings.Add(finding);
            if (!json)
                DoctorReport.Write(console, finding);
        }
        var report = DoctorReport.Of(findings);
        if (json)
            console.Out.WriteLine(report.ToJson());
        else
            report.WriteSum(console);
        return report.Problems > 0 ? ExitCodes.Failure : ExitCodes.Success;
    }
}
