using System.Threading.Channels;
using MantaLight.Cli.Swarms;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Cli.Running;

/// <summary>Nodes in processes of their own: this program's <c>node</c> command, once for each.</summary>
internal sealed class NodesInProcesses(
    IReadOnlyList<RunNode> nodes, string module, Uri broker, string cluster, TimeProvider time) : NodeGroup
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(2);

    private readonly List<NodeProcess> processes = [];
    private readonly List<Task> supervisors = [];
    private readonly TaskCompletionSource died = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int left;
    private volatile bool stopping;

    public override async Task StartAsync(SwarmClient client, CancellationToken cancellationToken)
    {
        var missing = nodes.Select(n => n.Id).ToHashSet(StringComparer.Ordinal);
        var present = Channel.CreateBounded<Presence>(new BoundedChannelOptions(4096) { FullMode = BoundedChannelFullMode.DropOldest });
        var began = time.GetUtcNow();
        await using var subscription = await client.SubscribeAsync(client.Topics.AllPresence, Receive, cancellationToken);
        left = nodes.Count;
        foreach (var node in nodes)
        {
            var process = NodeProcess.Start(node, module, broker, cluster);
            processes.Add(process);
            supervisors.Add(SuperviseAsync(process));
        }
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(StartPatience);
        try
        {
            while (missing.Count > 0)
            {
                var next = present.Reader.ReadAsync(patience.Token).AsTask();
                if (await Task.WhenAny(next, died.Task) == died.Task)
                    await died.Task; // throws what it died of
                // What an earlier process of that name has left on the broker is not ours.
                if (await next is { Status: NodeStatus.Online } presence && presence.Started >= began)
                    missing.Remove(presence.From);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BrokerUnreachableException($"Not online after {StartPatience.TotalSeconds:F0} s: {string.Join(", ", missing)}. {processes[0].LastWords()}");
        }

        void Receive(BrokerMessage message)
        {
            if (ProtocolJson.Read<Presence>(message.Payload, out _) is { } presence)
                present.Writer.TryWrite(presence);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        stopping = true;
        await Task.WhenAll(processes.Select(p => p.StopAsync()));
        await Task.WhenAll(supervisors);
        foreach (var process in processes)
            await process.DisposeAsync();
    }

    private async Task SuperviseAsync(NodeProcess process)
    {
        var code = await process.Exited;
        if (stopping)
            return;
        var what = $"The process of {process.Id} ended with code {code}. {process.LastWords()}";
        died.TrySetException(new NodeProcessException(what));
        _ = died.Task.Exception; // seen, also where nobody waits for a start
        TellEnd(what, Interlocked.Decrement(ref left) == 0);
    }
}

/// <summary>A node's process ended by itself.</summary>
internal sealed class NodeProcessException(string message) : MantaLightException(message);
