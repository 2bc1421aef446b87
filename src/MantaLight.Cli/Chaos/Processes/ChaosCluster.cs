using System.Collections.Immutable;
using MantaLight.Cli.Chaos.Proxy;
using MantaLight.Cli.Chaos.Watch;
using MantaLight.Cli.Running;

namespace MantaLight.Cli.Chaos.Processes;

/// <summary>What a cluster is made of.</summary>
/// <param name="Folder">Where all of it lies.</param>
/// <param name="Broker">Which broker.</param>
/// <param name="Swarm">The swarm's id.</param>
/// <param name="Module">The module's assembly.</param>
/// <param name="Data">Each node's id and data sets.</param>
internal sealed record ClusterSettings(
    string Folder, BrokerKind Broker, string Swarm, string Module, ImmutableArray<(string Id, ImmutableSortedDictionary<string, string> Datasets)> Data);

/// <summary>A broker and nodes, each a process and each node behind a door of its own, and the watch over the wire.</summary>
internal sealed class ChaosCluster : IAsyncDisposable
{
    private const string Name = "chaos";
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(2);

    private readonly ProxyDoor watcher;
    private Wire? wire;

    private ChaosCluster(ClusterSettings settings, SmallDisks? disks, TimeProvider time)
    {
        Broker = new BrokerProcess(settings.Broker, settings.Folder, time);
        Disks = disks;
        Brake = new Brake(Path.Combine(settings.Folder, "held"), [.. settings.Data.Select(n => n.Id)]);
        watcher = Door();
        Nodes =
        [
            .. settings.Data.Select(n => new ChaosNode(
                new RunNode(n.Id, n.Datasets, StateFolder(settings, n.Id)), settings.Module, Name, Door(), disks, Brake.FileOf(n.Id), time)),
        ];

        ProxyDoor Door() => new(() => Broker.Port, time);
    }

    /// <summary>The broker.</summary>
    public BrokerProcess Broker { get; }

    /// <summary>The nodes by id.</summary>
    public ImmutableArray<ChaosNode> Nodes { get; }

    /// <summary>What holds their attempts.</summary>
    public Brake Brake { get; }

    /// <summary>Their disks; null where they have the machine's.</summary>
    public SmallDisks? Disks { get; }

    /// <summary>What the swarm tells.</summary>
    public Wire Wire => wire!;

    /// <summary>Starts all of it; the nodes are online when this returns.</summary>
    /// <exception cref="ChaosException">Something does not start.</exception>
    public static async Task<ChaosCluster> StartAsync(
        ClusterSettings settings, bool smallDisks, Action<Brake> hold, TimeProvider time, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(settings.Folder);
        var disks = smallDisks ? await SmallDisks.TryMountAsync([.. settings.Data.Select(n => StateFolder(settings, n.Id))], cancellationToken) : null;
        var cluster = new ChaosCluster(settings, disks, time);
        try
        {
            hold(cluster.Brake);
            await cluster.Broker.StartAsync(cancellationToken);
            cluster.wire = await Wire.OpenAsync(cluster.watcher.Uri, Name, settings.Swarm, time, cancellationToken);
            foreach (var node in cluster.Nodes)
                node.Start();
            if (await cluster.Wire.UntilAsync(v => cluster.Nodes.All(n => Recovery.IsBack(v, n)), StartPatience, cancellationToken) is null)
                throw new ChaosException($"Not all nodes are online after {StartPatience.TotalSeconds:F0} s. {cluster.Nodes[0].LastWords()}");
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>A node; null where it is none of these.</summary>
    public ChaosNode? Find(string id) => Nodes.FirstOrDefault(n => n.Id == id);

    /// <summary>Kills whatever still lives.</summary>
    public async ValueTask DisposeAsync()
    {
        if (wire is not null)
            await wire.DisposeAsync();
        await Task.WhenAll(Nodes.Select(n => n.DisposeAsync().AsTask()));
        await Broker.DisposeAsync();
        foreach (var door in Nodes.Select(n => n.Door).Append(watcher))
            await door.DisposeAsync();
        if (Disks is not null)
            await Disks.DisposeAsync();
    }

    private static string StateFolder(ClusterSettings settings, string node) => Path.Combine(settings.Folder, node);
}
