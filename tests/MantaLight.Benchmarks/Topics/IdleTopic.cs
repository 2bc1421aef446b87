using System.Globalization;
using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>What costs while nothing happens: a node that is online, and connections that wait.</summary>
internal static class IdleTopic
{
    private const int Connections = 10_000;
    private const int ConnectionLimit = 300;
    private const string Waiting = "Python with paho-mqtt and numpy, connected";
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(60);

    /// <summary>The node, and the connections.</summary>
    public static IReadOnlyList<Measurement> Measurements =>
    [
        new(["node_processor", "node_memory"], Node, isRepeated: true),
        new(["connections_memory"], IdleConnections, isRepeated: true),
    ];

    private static IEnumerable<Row> Node()
    {
        using var broker = BrokerProcess.TryStart("embedded")!;
        var folder = Directory.CreateTempSubdirectory("mantalight-idle-");
        // With a module that uses Torch, which is loaded when a task needs it.
        var node = WholeProcess.Start("node", "--id", "idle", "--broker", broker.Uri, "--module", typeof(IdleTopic).Assembly.Location, "--state-folder", folder.FullName);
        try
        {
            using var peer = PeerInTurn.Start("idle", [new Uri(broker.Uri).Host, new Uri(broker.Uri).Port.ToString(CultureInfo.InvariantCulture)]);
            Pause(Settling);
            var peerBefore = peer is null ? 0 : ProcessorSeconds(peer.Id);
            var before = ProcessorSeconds(node.Id);
            Pause(Watched);
            var share = (ProcessorSeconds(node.Id) - before) / Watched.TotalSeconds * 100;
            double? peerShare = peer is null ? null : (ProcessorSeconds(peer.Id) - peerBefore) / Watched.TotalSeconds * 100, peerMemory = peer is null ? null : WholeProcess.Status(peer.Id, "VmRSS") / 1e6;
            var (memory, own) = (WholeProcess.Status(node.Id, "VmRSS"), WholeProcess.Status(node.Id, "RssAnon"));
            if (memory == 0)
                throw new InvalidOperationException($"The idle node ended:\n{node.StandardOutput.ReadToEnd()}");
            yield return new Row { Name = "idle.node_processor", Value = share, Unit = "% of a core", Target = "under 1 %", Note = "Online, over 60 s.", Peer = peer is null ? null : Waiting, PeerValue = peerShare }
                .AtMost(share, 1, "heartbeats, and the runtime's timers.");
            yield return new Row
            {
                Name = "idle.node_memory", Value = memory / 1e6, Unit = "MB", Target = "under 80 MB", Peer = peer is null ? null : Waiting, PeerValue = peerMemory,
                Note = FormattableString.Invariant($"Resident, {own / 1e6:F0} MB of it its own; the rest are pages of the runtime's files, which all .NET processes of a machine share."),
            }.AtMost(memory / 1e6, 80, "assemblies of the host and of the module.");
        }
        finally
        {
            Children.Kill(node);
            node.WaitForExit();
            folder.Delete(recursive: true);
        }
    }

    private static IEnumerable<Row> IdleConnections()
    {
        var (embedded, own) = (MemoryWith("embedded"), MemoryWith("mosquitto"));
        if (embedded is not { } memory)
            yield break;
        yield return new Row
        {
            Name = "idle.connections_memory", Value = memory / 1e6, Unit = "MB", Target = "under 300 MB", Peer = own is null ? null : "mosquitto", PeerValue = own / 1e6, Ratio = memory / own,
            Note = FormattableString.Invariant($"The broker's process with {Connections:N0} connections, {memory / 1e3 / Connections:F0} kB each: each with a node's client id, will and subscriptions. None publishes its presence, which each of the others would receive."),
        }.AtMost(memory / 1e6, ConnectionLimit, "buffers of a socket, a session, its will and eleven subscriptions, which the server's library keeps for each client by itself.");
    }

    /// <summary>A broker's memory with all connections; null where it is not here, or so many are not allowed.</summary>
    private static double? MemoryWith(string name)
    {
        using var broker = BrokerProcess.TryStart(name);
        if (broker is null)
            return null;
        using var connections = RawConnections.TryOpen(new Uri(broker.Uri), Connections);
        if (connections is null)
            return null;
        Pause(Settling);
        return WholeProcess.Status(broker.ProcessId, "VmRSS");
    }

    /// <summary>What a process has used of the processor, in seconds.</summary>
    private static double ProcessorSeconds(int process)
    {
        using var running = System.Diagnostics.Process.GetProcessById(process);
        return running.TotalProcessorTime.TotalSeconds;
    }

    private static void Pause(TimeSpan time)
    {
        for (var end = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(end) < time;)
        {
            Thread.Sleep(100);
            Children.ThrowIfEnded();
        }
    }
}
