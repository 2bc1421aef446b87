using System.CommandLine;
using MantaLight.Cli.Doctor;
using MantaLight.Cli.Hosting;
using MantaLight.Torch;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight doctor</c>: what would keep a node or a swarm from working here, and what to do about it.</summary>
internal static class DoctorCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var target = new Argument<string?>("swarm") { Description = "A project folder with swarm.json, or a definition (.json), to check as well.", Arity = ArgumentArity.ZeroOrOne };
        var broker = new Option<string?>("--broker") { Description = $"The broker [default: the node's settings, or {BrokerFlags.DefaultBroker}]", HelpName = "URI" };
        var cluster = new Option<string?>("--cluster") { Description = $"The cluster [default: the node's settings, or {BrokerFlags.DefaultCluster}]", HelpName = "C" };
        var datasets = NodeCommand.DatasetOption();
        var data = new Option<string?>("--data") { Description = "The folder of a run's data, as DATASET/NODE/DATASET.npz.", HelpName = "DIR" };
        var modules = new Option<string[]>("--module") { Description = "A module: a .dll, or a project folder; may be repeated.", HelpName = "PATH" };
        var state = new Option<string?>("--state-folder") { Description = "Where a node would keep its state [default: the node's settings, or its folder in the user's local application data]", HelpName = "DIR" };
        var json = new Option<bool>("--json") { Description = "Writes the findings as JSON." };
        var command = new Command("doctor", "Check settings, broker, nodes, clock, disk, data, modules and libtorch, and name remedies. Settings are those of `mantalight node`: appsettings.json (section MantaLight), MANTALIGHT_ variables and flags, which win. The exit code is 1 where there is a problem.")
        {
            target, broker, cluster, datasets, data, modules, state, json,
        }.WithExamples(
            "mantalight doctor",
            "mantalight doctor examples/Mnist --data temp/partitioned",
            "mantalight doctor --broker mqtts://user:password@broker.example --dataset mnist=/data/mnist.npz --module Mnist.dll --json");
        command.SetAction((parsed, cancellationToken) => RunAsync(
            console,
            SettingsCheck.Read(
                () => NodeHost.CreateBuilder().Configuration,
                new NodeFlags
                {
                    Broker = parsed.GetValue(broker),
                    Cluster = parsed.GetValue(cluster),
                    Datasets = [.. parsed.GetValue(datasets) ?? []],
                    Modules = [.. parsed.GetValue(modules) ?? []],
                    StateFolder = parsed.GetValue(state),
                },
                parsed.GetValue(target),
                parsed.GetValue(data)),
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
