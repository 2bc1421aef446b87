using System.Buffers;
using System.Collections.Concurrent;

namespace MantaLight.Messaging;

/// <summary>
/// A broker in memory, for swarms in one process and for tests: retained messages, wildcards, takeover of client ids, wills, and faults on demand.
/// Deterministic: everything happens in the order of the calls, and time is the given provider's.
/// </summary>
public sealed class SimulatedBroker(SimulatedBrokerOptions? options = null, TimeProvider? time = null) : IBroker
{
    private readonly SimulatedBrokerOptions options = options ?? new SimulatedBrokerOptions();
    private readonly TimeProvider time = time ?? TimeProvider.System;
    private readonly Lock gate = new();
    private readonly SortedDictionary<string, ReadOnlySequence<byte>> retained = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, SimulatedBrokerConnection> connections = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ITimer> delayedWills = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Exception> handlerFailures = new();
    private bool down;

    /// <inheritdoc/>
    public string Description => "simulated://memory";

    /// <summary>What message handlers threw; a test that expects nothing of the kind asserts that this is empty.</summary>
    public IReadOnlyCollection<Exception> HandlerFailures => handlerFailures;

    /// <summary>The retained messages of this moment.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Retained
    {
        get
        {
            lock (gate)
                return retained.ToDictionary(entry => entry.Key, entry => (ReadOnlyMemory<byte>)entry.Value.ToArray(), StringComparer.Ordinal);
        }
    }

    internal TimeProvider Time => time;

    internal SimulatedBrokerOptions Options => options;

    /// <summary>Never zero: a reconnect must not happen within the call that cut the connection.</summary>
    internal TimeSpan ReconnectPause => options.ReconnectPause > TimeSpan.Zero ? options.ReconnectPause : TimeSpan.FromMilliseconds(1);

    /// <inheritdoc/>
    public Task<IBrokerConnection> ConnectAsync(ConnectionProfile profile, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var connection = new SimulatedBrokerConnection(this, profile);
        if (!TryAttach(connection))
            throw new BrokerUnreachableException($"No broker answers at {Description} (it is down).");
        return Task.FromResult<IBrokerConnection>(connection);
    }

    /// <summary>Cuts the network under a connection; its will is due, and it reconnects where its profile says so.</summary>
    public void Cut(string clientId)
    {
        lock (gate)
        {
            if (connections.TryGetValue(clientId, out var connection))
                Drop(connection);
        }
    }

    /// <summary>Ends the broker: everybody is cut and nobody gets in. Wills are not published, as when a process is killed.</summary>
    /// <param name="loseRetained">Whether what it retained is lost as well.</param>
    public void GoDown(bool loseRetained)
    {
        lock (gate)
        {
            down = true;
            foreach (var connection in connections.Values.ToArray())
                Detach(connection);
            foreach (var timer in delayedWills.Values)
                timer.Dispose();
            delayedWills.Clear();
            if (loseRetained)
                retained.Clear();
        }
    }

    /// <summary>Starts the broker again.</summary>
    public void ComeUp()
    {
        lock (gate)
            down = false;
    }

    internal void ReportHandlerFailure(Exception problem) => handlerFailures.Enqueue(problem);

    /// <summary>Lets a connection in; one with the same client id is cut, without its will.</summary>
    internal bool TryAttach(SimulatedBrokerConnection connection)
    {
        lock (gate)
        {
            if (down)
                return false;
            if (connections.TryGetValue(connection.ClientId, out var older))
                Detach(older);
            if (delayedWills.Remove(connection.ClientId, out var timer))
                timer.Dispose();
            connections.Add(connection.ClientId, connection);
            connection.Attach();
            return true;
        }
    }

    /// <summary>A goodbye: no will.</summary>
    internal void Leave(SimulatedBrokerConnection connection)
    {
        lock (gate)
        {
            if (IsIn(connection))
                Detach(connection);
        }
    }

    /// <summary>A death: the will is due.</summary>
    internal void Drop(SimulatedBrokerConnection connection)
    {
        lock (gate)
        {
            if (!IsIn(connection))
                return;
            Detach(connection);
            if (connection.Will is not { } will)
                return;
            if (will.Delay == TimeSpan.Zero)
                Deliver(will.Topic, new ReadOnlySequence<byte>(will.Payload.ToArray()), will.Retain);
            else
                delayedWills[connection.ClientId] = time.CreateTimer(_ => FireWill(connection.ClientId, will), null, will.Delay, Timeout.InfiniteTimeSpan);
        }
    }

    /// <returns>False when the connection is down.</returns>
    internal bool TryPublish(SimulatedBrokerConnection from, in OutboundMessage message)
    {
        lock (gate)
        {
            if (!IsIn(from))
                return false;
            from.Traffic.CountSent(message.Name, message.Payload.Length);
            // The one copy: the publisher's memory is its own again when the publish has completed.
            Deliver(message.Topic, new ReadOnlySequence<byte>(message.Payload.ToArray()), message.Retain);
            return true;
        }
    }

    /// <returns>False when the connection is down.</returns>
    internal bool TrySubscribe(SimulatedBrokerConnection connection, string filter)
    {
        lock (gate)
        {
            if (!IsIn(connection))
                return false;
            Replay(connection, filter);
            return true;
        }
    }

    private void Replay(SimulatedBrokerConnection connection, string filter)
    {
        if (!options.Limits.ReplaysRetainedByWildcard && filter.AsSpan().ContainsAny('+', '#'))
            return;
        foreach (var (topic, payload) in retained)
        {
            if (TopicFilter.Matches(filter, topic))
                connection.Receive(new BrokerMessage(topic, payload, Retained: true));
        }
    }

    /// <summary>Renews the subscriptions of a connection that is back.</summary>
    internal void Resubscribe(SimulatedBrokerConnection connection, IEnumerable<string> filters)
    {
        lock (gate)
        {
            foreach (var filter in filters)
                Replay(connection, filter);
        }
    }

    private void Deliver(string topic, in ReadOnlySequence<byte> payload, bool retain)
    {
        if (retain && payload.IsEmpty)
            retained.Remove(topic);
        else if (retain)
            retained[topic] = payload;

        foreach (var connection in connections.Values)
        {
            if (connection.Wants(topic))
                connection.Receive(new BrokerMessage(topic, payload, Retained: false));
        }
    }

    private void FireWill(string clientId, BrokerWill will)
    {
        lock (gate)
        {
            if (delayedWills.Remove(clientId, out var timer))
            {
                timer.Dispose();
                Deliver(will.Topic, new ReadOnlySequence<byte>(will.Payload.ToArray()), will.Retain);
            }
        }
    }

    private bool IsIn(SimulatedBrokerConnection connection) =>
        connections.TryGetValue(connection.ClientId, out var current) && current == connection;

    private void Detach(SimulatedBrokerConnection connection)
    {
        connections.Remove(connection.ClientId);
        connection.Detach();
    }
}
