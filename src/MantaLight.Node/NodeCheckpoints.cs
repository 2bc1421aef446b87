using MantaLight.Checkpoints;
using MantaLight.Messaging;
using Microsoft.Extensions.Logging;

namespace MantaLight.Node;

/// <summary>Checkpoints beside a node, over a connection of their own: what goes wrong with them does not concern the node.</summary>
internal sealed class NodeCheckpoints(IBrokerConnection connection, CheckpointKeeper keeper) : IAsyncDisposable
{
    /// <summary>Begins; null where the settings name no folder.</summary>
    public static async Task<NodeCheckpoints?> StartAsync(
        NodeOptions options, IBroker broker, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        if (options.Checkpoints is not { Length: > 0 } folder)
            return null;
        var logger = loggers.CreateLogger<NodeCheckpoints>();
        var connection = await broker.ConnectAsync(new ConnectionProfile { ClientId = $"{options.Cluster}.{options.Id}.checkpoints" }, cancellationToken);
        try
        {
            var wanted = new CheckpointOptions { Folder = Path.GetFullPath(folder), Every = options.CheckpointEvery, Keep = options.KeepCheckpoints };
            return new NodeCheckpoints(connection, await CheckpointKeeper.StartAsync(connection, options.Cluster, null, wanted, news => Tell(logger, news), time, cancellationToken));
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await keeper.DisposeAsync();
        await connection.DisposeAsync();
    }

    private static void Tell(ILogger logger, CheckpointNews news)
    {
        if (news.Path is { } path)
            Log.CheckpointWritten(logger, news.Swarm, news.Round, path);
        else
            Log.CheckpointFailed(logger, news.Swarm, news.Round, news.Problem!);
    }
}
