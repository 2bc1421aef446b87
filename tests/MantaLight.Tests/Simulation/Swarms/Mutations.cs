using System.Buffers;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>Breaks rules from outside: by what a history's nodes are told by their connections.</summary>
internal sealed class Mutations(Mutation mutation)
{
    private readonly Dictionary<string, byte[]> published = new(StringComparer.Ordinal);

    /// <summary>The broker as a mutated process sees it.</summary>
    public IBroker Apply(IBroker broker, SimulatedProcess process) => mutation switch
    {
        Mutation.TermFromMemory => new BentBroker(broker, (inner, profile) => IsCoordinator(profile) ? new BlindToClaims(inner) : inner),
        Mutation.ActsAfterLoss => new BentBroker(broker, (inner, profile) => IsCoordinator(profile) ? new NeverLost(inner, process.Clock) : inner,
            profile => IsCoordinator(profile) ? profile with { Reconnect = true } : profile),
        Mutation.CommitsUnread => new BentBroker(broker, (inner, _) => new BelievesItself(inner, process, published)),
        Mutation.NoDedupe => new BentBroker(broker, (inner, _) => new CountsCopies(inner)),
        Mutation.NoRecordDedupe => new BentBroker(broker, (inner, profile) => IsCoordinator(profile) ? new CountsRecords(inner, process) : inner),
        Mutation.ReadsWhatIsThere => new BentBroker(broker, (inner, profile) => IsCoordinator(profile) ? new ReadsWhatIsThere(inner) : inner),
        _ => broker,
    };

    private static bool IsCoordinator(ConnectionProfile profile) => profile.ClientId.EndsWith(".coordinator", StringComparison.Ordinal);

    /// <summary>Does not hear what is retained, claim or tombstone, before it has claimed.</summary>
    private sealed class BlindToClaims(IBrokerConnection inner) : PassingConnection(inner)
    {
        private bool hasClaimed;

        public override ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
        {
            hasClaimed = true;
            return base.PublishAsync(message, cancellationToken);
        }

        public override Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken) =>
            base.SubscribeAsync(filter, filter.EndsWith("/coordinator", StringComparison.Ordinal) || (!hasClaimed && filter.EndsWith("/state", StringComparison.Ordinal)) ? message => Hear(message, handler) : handler, cancellationToken);

        private static void Hear(BrokerMessage message, Action<BrokerMessage> handler)
        {
            if (!message.Retained)
                handler(message);
        }
    }

    /// <summary>Does not say that it was lost, and publishes when it is back.</summary>
    private sealed class NeverLost(IBrokerConnection inner, TimeProvider time) : PassingConnection(inner)
    {
        public override bool IsConnected => true;

        public override IDisposable Watch(Action<ConnectionStatus> observer) => Inner.Watch(_ => { });

        public override async ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
        {
            while (true)
            {
                try
                {
                    await Inner.PublishAsync(message, cancellationToken);
                    return;
                }
                catch (BrokerConnectionLostException)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(300), time, cancellationToken);
                }
            }
        }
    }

    /// <summary>Reads chunks back from what was published, whatever the broker has kept.</summary>
    private sealed class BelievesItself(IBrokerConnection inner, SimulatedProcess process, Dictionary<string, byte[]> published) : PassingConnection(inner)
    {
        public override ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
        {
            if (message.Retain && message.Topic.Contains("/blobs/", StringComparison.Ordinal) && message.Payload.Length > 0)
                published[message.Topic] = message.Payload.ToArray();
            return base.PublishAsync(message, cancellationToken);
        }

        public override Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken)
        {
            if (published.TryGetValue(filter, out var payload))
                process.Post(() => handler(new BrokerMessage(filter, new(payload), Retained: true)));
            return base.SubscribeAsync(filter, handler, cancellationToken);
        }
    }

    /// <summary>Takes each further copy of a schedule message for one of another swarm, which nobody has seen before.</summary>
    private sealed class CountsCopies(IBrokerConnection inner) : PassingConnection(inner)
    {
        private readonly Dictionary<string, int> copies = new(StringComparer.Ordinal);

        public override Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken) => base.SubscribeAsync(
            filter, filter.Contains("/schedule/", StringComparison.Ordinal) ? message => handler(message with { Name = Count(message) }) : handler, cancellationToken);

        private string Count(BrokerMessage message)
        {
            var text = System.Text.Encoding.UTF8.GetString(message.Payload.ToArray());
            var count = copies[text] = copies.GetValueOrDefault(text) + 1;
            return count == 1 ? message.Topic : message.Topic.Replace("/schedule/", $"-{count}/schedule/", StringComparison.Ordinal);
        }
    }

    /// <summary>Has tasks read the globals of the moment that they are scheduled at, whoever has set them.</summary>
    private sealed class ReadsWhatIsThere(IBrokerConnection inner) : PassingConnection(inner)
    {
        private SwarmState? committed;

        public override ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
        {
            var read = message.Topic.Contains("/blobs/", StringComparison.Ordinal) ? null : ProtocolJson.Read<ControlMessage>(message.Payload, out _);
            if (read is SwarmState state)
                committed = state;
            if (read is not ScheduleAttempt order || committed is null)
                return base.PublishAsync(message, cancellationToken);
            var own = order.Globals.ExceptBy(committed.Globals.Select(g => g.Tag), g => g.Tag);
            var bent = order with { Globals = [.. own.Concat(committed.Globals).OrderBy(g => g.Tag, StringComparer.Ordinal)] };
            return base.PublishAsync(new OutboundMessage(message.Topic, ProtocolJson.Write(bent), message.Retain), cancellationToken);
        }
    }

    /// <summary>Takes each further copy of a record for the answer to the next attempt of its task on its node.</summary>
    private sealed class CountsRecords(IBrokerConnection inner, SimulatedProcess process) : PassingConnection(inner)
    {
        private readonly Dictionary<(string Node, string Alias), TaskCompleted> copies = [];
        private readonly List<Action<BrokerMessage>> handlers = [];

        public override async ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
        {
            await base.PublishAsync(message, cancellationToken);
            if (!message.Topic.Contains("/schedule/", StringComparison.Ordinal) || Read(message.Payload) is not ScheduleAttempt order)
                return;
            var node = message.Topic[(message.Topic.LastIndexOf('/') + 1)..];
            if (!copies.TryGetValue((node, order.Alias), out var copy) || copy.Round >= order.Round || !copies.Remove((node, order.Alias)))
                return;
            var answer = new BrokerMessage(message.Topic.Replace("/schedule/", "/tasks/", StringComparison.Ordinal),
                new(ProtocolJson.Write(copy with { Run = order.Run, Round = order.Round, Attempt = order.Attempt })), Retained: false);
            foreach (var handler in handlers.ToArray())
                process.Post(() => handler(answer));
        }

        public override Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken)
        {
            if (!filter.EndsWith("/tasks/+", StringComparison.Ordinal))
                return base.SubscribeAsync(filter, handler, cancellationToken);
            handlers.Add(handler);
            var seen = new HashSet<string>(StringComparer.Ordinal);
            return base.SubscribeAsync(filter, message => Hear(message, handler, seen), cancellationToken);
        }

        private void Hear(BrokerMessage message, Action<BrokerMessage> handler, HashSet<string> seen)
        {
            if (Read(message.Payload) is TaskCompleted record && !seen.Add(record.Attempt))
                copies[(record.From, record.Alias)] = record;
            handler(message);
        }

        private static ControlMessage? Read(ReadOnlySequence<byte> payload) => ProtocolJson.Read<ControlMessage>(payload, out _);
    }
}
