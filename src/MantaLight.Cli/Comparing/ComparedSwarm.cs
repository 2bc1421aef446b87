using System.Collections.Immutable;
using System.Globalization;
using MantaLight.Cli.Running;
using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Tasks;
using MantaLight.Virtual;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MantaLight.Cli.Comparing;

/// <summary>Runs one of the swarms that are compared, and keeps what became of it.</summary>
/// <param name="catalog">The module's tasks.</param>
/// <param name="console">Where its rounds are told.</param>
/// <param name="loggers">For the tasks.</param>
/// <param name="time">The clock.</param>
internal sealed class ComparedSwarm(TaskCatalog catalog, CliConsole console, ILoggerFactory loggers, TimeProvider time)
{
    /// <summary>Runs to the end.</summary>
    /// <param name="name">How it is called.</param>
    /// <param name="definition">What it does.</param>
    /// <param name="nodes">Who takes part.</param>
    /// <param name="samples">All training samples.</param>
    /// <param name="slots">Attempts at once.</param>
    /// <param name="isTold">Whether each round is told.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<ComparedRun> RunAsync(
        string name, SwarmDefinition definition, ImmutableArray<VirtualNode> nodes, long samples, int slots, bool isTold, CancellationToken cancellationToken)
    {
        await using var services = new ServiceCollection().AddSingleton(loggers).AddLogging().AddSingleton(time).BuildServiceProvider();
        var broker = new SimulatedBroker(new SimulatedBrokerOptions { Limits = new BrokerLimits { MaximumPacketSize = int.MaxValue, ReplaysRetainedByWildcard = true } }, time);
        await using var client = await SwarmClient.ConnectAsync(broker, VirtualSwarmSettings.Cluster, time, cancellationToken);
        var view = new RunView(definition.Name) { AreMany = nodes.Length > RunView.MaximumTold };
        await using var watcher = await SwarmWatcher.StartAsync(client, view, time, cancellationToken, isOwn: true);
        await using var swarm = new VirtualSwarm(
            new VirtualSwarmSettings { Swarm = definition.Name, Definition = definition, Catalog = catalog, Nodes = nodes, Services = services, Slots = slots }, broker, loggers, time);
        var took = TimeSpan.Zero;
        var tally = new Tally(name, definition, nodes.Length, samples, isTold ? console : null);
        var state = await WatchedSwarm.RunAsync(swarm, client, watcher, tally, span => took = span, time, cancellationToken);
        return new ComparedRun
        {
            Name = name,
            Status = Texts.Snake(state.Status),
            Reason = state.Reason,
            Samples = samples,
            Epochs = tally.Epochs,
            Rounds = [.. tally.Rounds],
            Seconds = Math.Round(took.TotalSeconds, 3),
            TrainSeconds = Math.Round(tally.TrainSeconds, 3),
            BytesSent = state.BytesUp,
            BytesReceived = state.BytesDown,
            Privacy = string.Join("; ", PrivacyReport.After(view.Finished).Select(p => char.ToLowerInvariant(p.Text[0]) + p.Text[1..])),
        };
    }

    /// <summary>Keeps each round as it ends, and lets its results go.</summary>
    private sealed class Tally(string name, SwarmDefinition definition, int nodes, long samples, CliConsole? console) : IRunScreen
    {
        private readonly double epochsOfRound = LocalEpochs.Of(definition);
        private long sent;
        private long received;

        public List<ComparedRound> Rounds { get; } = [];

        public double Epochs { get; private set; }

        public double TrainSeconds { get; private set; }

        public void Show(RunView view, IReadOnlyList<Happening> happened)
        {
            foreach (var happening in happened)
            {
                if (happening is Happening.RoundFinished { Round: { Number: > 0 } round })
                    Add(round);
                else if (happening is Happening.Trouble or Happening.Waiting)
                    console?.Out.WriteLine($"{name}: {PlainLines.Of(happening, view.Swarm).First()}");
            }
        }

        private void Add(RoundView round)
        {
            var summary = round.Summary!;
            long[] trained = [.. round.Results.Where(r => r.Tag == "train_metrics").Select(r => (long?)Json.Number(r.Value, "samples")).OfType<long>()];
            // Whoever tells nothing of samples may still count participants.
            var part = trained.Length > 0 && samples > 0 ? (double)trained.Sum() / samples : (double)summary.Participants / nodes;
            Epochs = Math.Round(Epochs + (part * epochsOfRound), 6);
            TrainSeconds += summary.TrainSeconds;
            (sent, received) = (sent + summary.BytesUp, received + summary.BytesDown);
            var loss = Metric("test_metrics.loss") ?? Metric("global_metrics.loss");
            Rounds.Add(new ComparedRound(round.Number, Epochs, round.Accuracy, loss, round.Loss, sent, received));
            round.Forget();
            console?.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name}, round {round.Number} of {definition.Rounds.Maximum}: accuracy {(round.Accuracy is { } accuracy ? Texts.Percent(accuracy, "F2") : "-")}, loss {(loss is { } value ? Texts.Loss(value) : "-")}"));
            console?.Out.Flush();

            double? Metric(string key) => summary.Metrics.TryGetValue(key, out var value) ? value : null;
        }
    }
}
