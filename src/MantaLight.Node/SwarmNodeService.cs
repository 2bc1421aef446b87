using System.Collections.Immutable;
using System.Reflection;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Tasks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MantaLight.Node;

/// <summary>Assemblies that a program brings as modules itself.</summary>
internal sealed record ModuleAssembly(Assembly Assembly);

/// <summary>A node as a hosted service: started when it is online, stopped when it has said goodbye.</summary>
internal sealed class SwarmNodeService(
    IOptions<NodeOptions> options, IEnumerable<ModuleAssembly> modules, IBroker broker, IServiceProvider services,
    ILoggerFactory loggers, TimeProvider time, IHostApplicationLifetime lifetime) : IHostedService, IAsyncDisposable
{
    // Tasks compute for seconds on pool threads; the rest of the node must find a thread meanwhile.
    private const int SpareThreads = 16;

    private readonly CancellationTokenSource stopping = new();
    private Task running = Task.CompletedTask;
    private NodeCheckpoints? checkpoints;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(Math.Max(workers, SpareThreads), ports);
        var runtime = new NodeRuntime(Settings(options.Value), broker, services, loggers, time);
        running = Task.Run(() => runtime.RunAsync(stopping.Token), CancellationToken.None);
        await runtime.Online.WaitAsync(cancellationToken);
        checkpoints = await NodeCheckpoints.StartAsync(options.Value, broker, loggers, time, cancellationToken);
        _ = running.ContinueWith(_ => lifetime.StopApplication(), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    /// <exception cref="MantaLightException">What ended the node before it was asked to stop.</exception>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await stopping.CancelAsync();
        try
        {
            await running.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (checkpoints is not null)
            await checkpoints.DisposeAsync();
        await stopping.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stopping.Dispose();
    }

    private NodeSettings Settings(NodeOptions node)
    {
        var assemblies = modules.Select(m => m.Assembly).Concat(node.Modules.Select(ModuleLoader.Load));
        return new NodeSettings
        {
            Id = node.Id,
            Cluster = node.Cluster,
            Datasets = new MappedDatasets(node.Datasets),
            Modules = assemblies.DistinctBy(a => a.GetName().Name).ToImmutableSortedDictionary(
                a => a.GetName().Name!, a => new TaskCatalog([a]), StringComparer.Ordinal),
            Concurrency = node.Concurrency,
            Tags = [.. node.Tags],
            Gpu = node.Gpu,
            BeforeAttempt = node.HoldFile is { } file ? new HoldFile(file, time).WaitAsync : null,
            StateFolder = node.StateFolder ?? Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "mantalight", node.Cluster, node.Id),
        };
    }
}
