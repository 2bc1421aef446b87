using System.Collections.Immutable;
using System.Reflection;
using MantaLight.Cli.Commands;
using MantaLight.Cli.Swarms;
using MantaLight.Mqtt;
using MantaLight.Node;
using MantaLight.Nodes;
using MantaLight.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MantaLight.Cli.Running;

/// <summary>Nodes in this process: each a runtime with connections of its own.</summary>
internal sealed class NodesInProcess(
    IReadOnlyList<RunNode> nodes, Attackers? attackers, Assembly module, Uri broker, string cluster, ILoggerFactory loggers, TimeProvider time) : NodeGroup
{
    // Tasks compute for seconds on pool threads; everything else must find a thread meanwhile.
    private const int SpareThreads = 16;

    private readonly CancellationTokenSource stopping = new();
    private readonly ServiceProvider services = new ServiceCollection().AddSingleton(loggers).AddLogging().AddSingleton(time).BuildServiceProvider();
    private readonly List<Task> running = [];
    private int left;

    public override async Task StartAsync(SwarmClient client, CancellationToken cancellationToken)
    {
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(Math.Max(workers, SpareThreads + (2 * nodes.Count)), ports);
        var catalog = new TaskCatalog([module]);
        var modules = ImmutableSortedDictionary.Create<string, TaskCatalog>(StringComparer.Ordinal).Add(module.GetName().Name!, catalog);
        var runtimes = nodes.Select((node, number) => new NodeRuntime(
            new NodeSettings
            {
                Id = node.Id,
                Cluster = cluster,
                Datasets = new MappedDatasets(node.Datasets),
                Modules = modules,
                StateFolder = node.StateFolder,
                Attack = attackers?.Of(number),
            },
            new MqttBroker(new MqttBrokerOptions { Uri = broker }, loggers, time), services, loggers, time)).ToArray();
        left = runtimes.Length;
        for (var i = 0; i < runtimes.Length; i++)
            running.Add(SuperviseAsync(nodes[i].Id, runtimes[i]));
        await Task.WhenAll(runtimes.Select(r => r.Online)).WaitAsync(cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await Task.WhenAll(running);
        await services.DisposeAsync();
        stopping.Dispose();
    }

    private async Task SuperviseAsync(string id, NodeRuntime runtime)
    {
        try
        {
            await Task.Run(() => runtime.RunAsync(stopping.Token));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            TellEnd($"{id} ended: {(e is MantaLightException ? e.Message : e.ToString())}", Interlocked.Decrement(ref left) == 0);
        }
    }
}
