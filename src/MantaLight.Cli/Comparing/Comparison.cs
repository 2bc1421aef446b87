using System.Collections.Immutable;
using System.Globalization;
using MantaLight.Cli.Modules;
using MantaLight.Cli.Running;
using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;
using MantaLight.Swarms;
using MantaLight.Tasks;
using Microsoft.Extensions.Logging;

namespace MantaLight.Cli.Comparing;

/// <summary>Learns the same model in three ways: federated, centralized on everybody's data, and each participant alone; for as many epochs, from the same first weights, tested on the same data.</summary>
internal sealed class Comparison(CompareSettings settings, CliConsole console, ILoggerFactory loggers, TimeProvider time)
{
    private readonly List<ComparedRun> alone = [];
    private ComparedRun? federated;
    private ComparedRun? centralized;

    /// <summary>Runs all three.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        if (settings.Federated.Json is { } json)
            RunReport.RequireWritable(json);
        if (settings.Output is { } folder)
            RunReport.RequireWritable(Path.Combine(folder, ComparisonFiles.Json));
        var source = SwarmSource.Find(settings.Federated.Target);
        var definition = SimulatedDefinition.Of(settings.Federated, await source.ReadAsync(settings.Federated.Changes, cancellationToken), console.Out.WriteLine);
        var file = await ModuleFile.FindAsync(source, definition.Module, console.Out.WriteLine, cancellationToken)
            ?? throw new ModuleException($"The module {definition.Module} is neither in the project beside {source.DefinitionFile} nor a .dll there. Put the definition into the module's project folder.");
        var catalog = new TaskCatalog([ModuleFile.Load(file, definition)]);
        SwarmValidator.Check(definition, catalog);
        var participants = await SimulatedData.ParticipantsAsync(settings.Federated, definition, console, cancellationToken);
        var data = await ComparedData.GatherAsync(participants, SimulatedData.Needed(definition), cancellationToken);
        try
        {
            await RunAllAsync(definition, catalog, data, cancellationToken);
        }
        finally
        {
            // Also when it failed or is to end: the numbers so far are worth having.
            await ReportAsync(definition, data);
        }
        return new[] { federated, centralized }.Concat(alone).All(r => r is { IsCompleted: true }) ? ExitCodes.Success : ExitCodes.Failure;
    }

    private async Task RunAllAsync(SwarmDefinition definition, TaskCatalog catalog, ComparedData data, CancellationToken cancellationToken)
    {
        var swarm = new ComparedSwarm(catalog, console, loggers, time);
        var (slots, all) = (settings.Federated.Slots ?? Math.Max(1, Environment.ProcessorCount / definition.Threads), data.Samples.Sum());
        console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Comparing {data.Count:N0} participants with {all:N0} training samples in all, on {slots} {(slots == 1 ? "slot" : "slots")}"));
        var isFull = settings.Federated.Test == Data.TestShare.Full;
        var together = await swarm.RunAsync("federated", definition, data.Federated(isFull), all, slots, isTold: true, cancellationToken);
        federated = together with { Privacy = Seen.Federated(definition.SecureAggregation is not null, together.Privacy) };

        // As many passes over the data as the federated one has made: a round may ask a part of the participants, or the run may have ended early.
        var passes = together.Rounds.Length == 0 ? definition.Rounds.Maximum : together.Epochs / LocalEpochs.Of(definition);
        var single = SingleDefinition.Of(definition, catalog, Math.Max(1, (int)Math.Round(passes)));
        SwarmValidator.Check(single, catalog);
        var central = await swarm.RunAsync("centralized", single, [data.Centralized()], all, slots: 1, isTold: true, cancellationToken);
        centralized = Sent(central, data.TrainingBytes) with { Privacy = Seen.Centralized };
        await RunAloneAsync(swarm, single, data, slots, cancellationToken);
    }

    private async Task RunAloneAsync(ComparedSwarm swarm, SwarmDefinition single, ComparedData data, int slots, CancellationToken cancellationToken)
    {
        var ended = new ComparedRun?[settings.AloneCount];
        try
        {
            await Parallel.ForEachAsync(Enumerable.Range(0, ended.Length), new ParallelOptions { MaxDegreeOfParallelism = slots, CancellationToken = cancellationToken }, async (n, token) =>
            {
                var node = data.Alone(n);
                var run = await swarm.RunAsync(node.Id, single, [node], data.Samples[n], slots: 1, isTold: false, token);
                ended[n] = Sent(run, 0) with { Privacy = Seen.Alone };
                console.Out.WriteLine($"{node.Id} alone: {(run.Accuracy is { } accuracy ? $"accuracy {Texts.Percent(accuracy, "F2")}" : run.Status)}");
            });
        }
        finally
        {
            alone.AddRange(ended.OfType<ComparedRun>());
        }
    }

    /// <summary>What was sent before the first round, and nothing since: a swarm of one talks to itself.</summary>
    private static ComparedRun Sent(ComparedRun run, long bytes) => run with
    {
        BytesSent = bytes, BytesReceived = bytes, Rounds = [.. run.Rounds.Select(r => r with { BytesSent = bytes, BytesReceived = bytes })],
    };

    private async Task ReportAsync(SwarmDefinition definition, ComparedData data)
    {
        var report = new ComparisonReport
        {
            Swarm = definition.Name,
            Seed = definition.Seed,
            Participants = data.Count,
            Partition = settings.Federated.Data is null ? settings.Federated.Partition.ToString() : null,
            Centralized = centralized,
            Federated = federated,
            Alone = AloneSummary.Of([.. alone]),
            Classes = data.Classes,
            Nodes = [.. data.Histograms.Select((counts, n) => new ComparedNode(Data.MnistPartitions.NameOf(n), data.Samples[n], data.Classes.IsEmpty ? [] : counts))],
        };
        ComparisonTable.Write(console, report);
        if (settings.Federated.Json is { } json)
            await report.WriteAsync(json);
        if (settings.Output is { } folder)
            await ComparisonFiles.WriteAsync(folder, report, console);
    }
}
