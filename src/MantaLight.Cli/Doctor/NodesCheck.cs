using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Cli.Doctor;

/// <summary>Who else is there, whether they answer, and whether their clocks agree with this one.</summary>
internal sealed class NodesCheck(DoctorSettings settings, TimeProvider time)
{
    private const string Area = "nodes";
    private const int MaximumNodes = 50;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Drift = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, Answer> answers = new(StringComparer.Ordinal);

    public async IAsyncEnumerable<Finding> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var client = await TryConnectAsync(cancellationToken);
        if (client is null)
            yield break;
        await using var open = client;
        var present = await client.NodesAsync(cancellationToken);
        yield return present.Count > 0
            ? Finding.Ok(Area, "present", $"{present.Count} in cluster {settings.Cluster}: {string.Join(", ", present.Take(MaximumNodes).Select(n => Texts.Line(n.From)).Order(StringComparer.Ordinal))}")
            : Finding.Warning(Area, "present", $"no node is online in cluster {settings.Cluster}", "Start some (mantalight node …); a swarm that is deployed waits for them. Is it the right --cluster?");
        Presence[] asked = [.. present.Take(MaximumNodes)];
        await AskAsync(client, asked, cancellationToken);
        foreach (var node in asked.OrderBy(n => n.From, StringComparer.Ordinal))
            yield return Of(node);
        foreach (var state in await client.ReadRetainedAsync<SwarmState>(client.Topics.State("+"), cancellationToken))
        {
            if (state is { Waiting: { } waiting } && !state.Status.IsFinal())
                yield return Finding.Warning(Area, $"swarm {Texts.Line(state.Swarm)}", $"{Texts.Snake(state.Status)} in round {state.Round}, and waiting: {Texts.Line(waiting)}", $"See `mantalight swarm show {Texts.Line(state.Swarm)}`.");
        }
    }

    private async Task<SwarmClient?> TryConnectAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await SwarmClient.ConnectAsync(settings.Broker, settings.Cluster, time, cancellationToken);
        }
        catch (MantaLightException)
        {
            // The broker's own check has told of it.
            return null;
        }
    }

    private async Task AskAsync(SwarmClient client, Presence[] nodes, CancellationToken cancellationToken)
    {
        if (nodes.Length == 0)
            return;
        long began = 0;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var subscription = await client.SubscribeAsync(client.Topics.AllPresence, Receive, cancellationToken);
        began = time.GetTimestamp();
        foreach (var node in nodes)
            await client.AskIfThereAsync(node.From, cancellationToken);
        try
        {
            await all.Task.WaitAsync(Patience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Those that are missing are told as such.
        }

        void Receive(BrokerMessage message)
        {
            // What the broker replays was said long ago.
            if (message.Retained || ProtocolJson.Read<Presence>(message.Payload, out _) is not { Status: NodeStatus.Online } presence)
                return;
            if (answers.TryAdd(presence.From, new Answer(time.GetElapsedTime(began), presence.Sent - time.GetUtcNow())) && answers.Count >= nodes.Length)
                all.TrySetResult();
        }
    }

    private Finding Of(Presence node)
    {
        var check = Texts.Line(node.From);
        if (!answers.TryGetValue(node.From, out var answer))
            return Finding.Warning(Area, check, $"says that it is online, but does not answer within {Patience.TotalSeconds:0} s", "It hangs, or it died and its broker has not noticed. Look at its log.");
        // Half of the way is the message's; nothing better is known.
        var offset = answer.Offset + (answer.After / 2);
        var text = string.Create(CultureInfo.InvariantCulture, $"answers after {answer.After.TotalMilliseconds:0} ms, clock {offset.TotalSeconds:+0.00;-0.00;+0.00} s from this one{Problems(node)}");
        if (node.Datasets.Any(d => d.Problem is not null))
            return Finding.Warning(Area, check, text, "Its tasks that need that data set cannot run. Correct its --dataset.");
        return offset.Duration() <= Drift
            ? Finding.Ok(Area, check, text)
            : Finding.Warning(Area, check, text, "Rounds do not rest on clocks, but times in logs do not fit, and of two nodes with one id the wrong one may win. Set the clocks by NTP.");
    }

    private static string Problems(Presence node) =>
        string.Concat(node.Datasets.Where(d => d.Problem is not null).Select(d => $"; data set '{Texts.Line(d.Name)}': {Texts.Line(d.Problem!)}"));

    /// <summary>When an answer came, and how far the clock that it tells is from this one at that moment.</summary>
    private readonly record struct Answer(TimeSpan After, TimeSpan Offset);
}
