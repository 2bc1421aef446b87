using System.Threading.Channels;
using MantaLight.Cli.Swarms;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Cli.Watching;

/// <summary>Subscribes to all that a swarm tells, folds it into a <see cref="RunView"/> and shows it.</summary>
internal sealed class SwarmWatcher : IAsyncDisposable
{
    private const int QueueCapacity = 65_536;

    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(100);

    private readonly Channel<Input> inputs = Channel.CreateBounded<Input>(QueueCapacity);
    private readonly List<IAsyncDisposable> subscriptions = [];
    private readonly Topics topics;
    private readonly RunView view;
    private readonly TimeProvider time;

    private SwarmWatcher(Topics topics, RunView view, TimeProvider time)
    {
        this.topics = topics;
        this.view = view;
        this.time = time;
    }

    /// <summary>Subscribes; from then on nothing is missed.</summary>
    public static async Task<SwarmWatcher> StartAsync(SwarmClient client, RunView view, TimeProvider time, CancellationToken cancellationToken)
    {
        var watcher = new SwarmWatcher(client.Topics, view, time);
        try
        {
            // The state first: it says which run the others' messages must be of.
            foreach (var filter in (string[])[client.Topics.State(view.Swarm), client.Topics.Tasks(view.Swarm, "+"), client.Topics.Result(view.Swarm, "+", "+"), client.Topics.Logs(view.Swarm, "+")])
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
    public void Note(Happening happening) => inputs.Writer.TryWrite(new Input(null, happening, Over: false));

    /// <summary>Ends the watch, because nobody is left who could go on.</summary>
    public void GiveUp(string text) => inputs.Writer.TryWrite(new Input(null, new Happening.Trouble(text), Over: true));

    /// <summary>Shows the run until it has ended.</summary>
    /// <returns>True; false where it was given up.</returns>
    public async Task<bool> WatchAsync(IRunScreen screen, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(RefreshInterval, time);
        do
        {
            var happened = new List<Happening>();
            var over = false;
            while (inputs.Reader.TryRead(out var input))
            {
                over |= input.Over;
                if (input.Happening is { } happening)
                    happened.Add(happening);
                if (input.Message is { } message)
                    happened.AddRange(view.Apply(message, time.GetUtcNow()));
            }
            happened.AddRange(view.Tick(time.GetUtcNow()));
            screen.Show(view, happened);
            if (view.HasEnded)
                return true;
            if (over)
                return false;
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
        return false;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var subscription in subscriptions)
            await subscription.DisposeAsync();
    }

    private void Receive(BrokerMessage received)
    {
        if (received.Payload.IsEmpty || ProtocolJson.Read<ControlMessage>(received.Payload, out _) is not { } message)
            return;
        // A node speaks for itself alone; a coordinator's state has no node in its topic.
        if (topics.Split(received.Topic) is [_, _, _, var node, ..] && node != message.From)
            return;
        inputs.Writer.TryWrite(new Input(message, null, Over: false));
    }

    private readonly record struct Input(ControlMessage? Message, Happening? Happening, bool Over);
}
