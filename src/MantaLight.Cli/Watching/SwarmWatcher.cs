using MantaLight.Cli.Swarms;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Cli.Watching;

/// <summary>Subscribes to all that a swarm tells, folds it into a <see cref="RunView"/> and shows it.</summary>
internal sealed class SwarmWatcher : IAsyncDisposable
{
    private const int QueueCapacity = 65_536;
    private const int OwnQueueCapacity = 1 << 20;

    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(100);

    private readonly WatchQueue inputs;
    private readonly List<IAsyncDisposable> subscriptions = [];
    private readonly SwarmClient client;
    private readonly RunView view;
    private readonly TimeProvider time;
    private readonly DateTimeOffset began;
    private readonly bool isOwn;
    private readonly long beganAt;
    private volatile string? givenUp;

    private SwarmWatcher(SwarmClient client, RunView view, TimeProvider time, bool isOwn)
    {
        (this.client, this.view, this.time, this.isOwn) = (client, view, time, isOwn);
        inputs = new WatchQueue(isOwn ? OwnQueueCapacity : QueueCapacity);
        (began, beganAt) = (time.GetUtcNow(), time.GetTimestamp());
    }

    /// <summary>The time, which goes on at its own pace however somebody sets the clock.</summary>
    private DateTimeOffset Now => began + time.GetElapsedTime(beganAt);

    /// <summary>Subscribes; from then on nothing is missed.</summary>
    /// <param name="client">The connection.</param>
    /// <param name="view">What it is folded into.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <param name="isOwn">Whether all of the swarm is in this process: then messages are as large, and as many, as they have to be.</param>
    public static async Task<SwarmWatcher> StartAsync(SwarmClient client, RunView view, TimeProvider time, CancellationToken cancellationToken, bool isOwn = false)
    {
        var watcher = new SwarmWatcher(client, view, time, isOwn);
        try
        {
            foreach (var filter in Filters(client.Topics, view.Swarm))
                watcher.subscriptions.Add(await client.SubscribeAsync(filter, watcher.Receive, cancellationToken));
            return watcher;
        }
        catch
        {
            await watcher.DisposeAsync();
            throw;
        }
    }

    /// <summary>Has something said that did not come from the swarm.</summary>
    public void Note(Happening happening) => inputs.Add(new WatchInput(null, happening));

    /// <summary>Ends the watch, because nobody is left who could go on.</summary>
    public void GiveUp(string text) => givenUp = text;

    /// <summary>Shows the run until it has ended.</summary>
    /// <returns>True; false where it was given up.</returns>
    /// <exception cref="BrokerConnectionLostException">The connection is over for good.</exception>
    public async Task<bool> WatchAsync(IRunScreen screen, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(RefreshInterval, time);
        do
        {
            // Before what has arrived is read, which came before it.
            var (over, isClosed) = (givenUp, client.IsClosed);
            Show(screen, over);
            if (view.HasEnded)
                return true;
            if (over is not null)
                return false;
            if (isClosed)
                throw new BrokerConnectionLostException($"The watch of swarm '{view.Swarm}' is over, since its connection to {client.Broker} is: {client.Problem}");
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
        return false;
    }

    /// <summary>Shows what has arrived.</summary>
    /// <param name="screen">Where.</param>
    /// <param name="over">Why the watch was given up; null where it was not.</param>
    public void Show(IRunScreen screen, string? over = null)
    {
        var happened = new List<Happening>();
        view.Pulse.Connection(client.Broker, client.Problem, Now);
        foreach (var input in inputs.TakeAll(out var lost))
        {
            if (lost > 0)
                happened.Add(new Happening.Trouble($"{lost} messages came faster than they can be shown and were dropped, the oldest first"));
            lost = 0;
            if (input.Happening is { } happening)
                happened.Add(happening);
            if (input.Message is { } message)
                happened.AddRange(view.Apply(message, Now, input.IsRetained));
        }
        happened.AddRange(view.Tick(Now, isQuiet: happened.Count == 0));
        if (over is not null && !view.HasEnded)
            happened.Add(new Happening.Trouble(over));
        screen.Show(view, happened);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var subscription in subscriptions)
            await subscription.DisposeAsync();
    }

    /// <summary>The state first: it says which run the others' messages must be of.</summary>
    private static string[] Filters(Topics topics, string swarm) =>
    [
        topics.State(swarm), topics.Coordinator(swarm), topics.Beat(swarm), topics.AllPresence,
        topics.Tasks(swarm, "+"), topics.Result(swarm, "+", "+"), topics.Logs(swarm, "+"),
    ];

    private void Receive(BrokerMessage received)
    {
        var levels = client.Topics.Split(received.Topic);
        if (received.Payload.IsEmpty)
        {
            // A presence that somebody has removed.
            if (levels is ["nodes", var gone])
                inputs.Add(new WatchInput(new Presence { From = gone, Status = NodeStatus.Offline }));
            return;
        }
        // There may be very many nodes, of whose messages the type is known.
        var read = levels is ["nodes", _] ? Read<Presence>(received) : Read<ControlMessage>(received);
        if (read is not { } message || !Identifier.IsValid(message.From))
            return;
        // A node speaks for itself alone; what a coordinator says has no node in its topic.
        if (SpeakerOf(levels) is { } node && node != message.From)
            return;
        inputs.Add(new WatchInput(message, IsRetained: received.Retained));
    }

    private ControlMessage? Read<T>(BrokerMessage received)
        where T : ControlMessage => isOwn ? ProtocolJson.ReadOwn<T>(received.Payload) : ProtocolJson.Read<T>(received.Payload, out _);

    private static string? SpeakerOf(string[] levels) => levels switch
    {
        ["nodes", var node] => node,
        ["swarms", _, "tasks" or "results" or "logs", var node, ..] => node,
        _ => null,
    };
}
