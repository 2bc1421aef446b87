using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Weights;

namespace MantaLight.Simulation;

/// <summary>A participant by script: it says what a node says, keeps what a node keeps, and costs next to nothing.</summary>
internal sealed class CrowdParticipant(World world, Crowd crowd, TimeProvider time, string id, int number)
{
    public const int Length = 600;
    private const int ChunkSize = 1024;

    private static readonly TimeSpan Resend = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(0.2);

    private readonly MessageStamp stamp = new(id, $"{id}-1", time);
    private readonly byte[] weights = Encode(number);
    private string hash = "";
    private ScheduleAttempt? schedule;
    private TaskCompleted? record;
    private TimeSpan lastSaid;

    /// <summary>How often it began to train.</summary>
    public int Trainings { get; private set; }

    /// <summary>How often it was told to stop.</summary>
    public int Cancelled { get; private set; }

    public void Announce() => Say(crowd.Topics.Presence(id), Presence(), retain: true);

    public void Receive(ControlMessage message)
    {
        switch (message)
        {
            case ScheduleAttempt asked:
                Scheduled(asked);
                break;
            case RollCall call when schedule?.Run == call.Run:
                SayAgain();
                break;
            case CancelAttempt cancel when schedule?.Attempt == cancel.Attempt && record is null:
                Cancelled++;
                schedule = null;
                break;
            case AreYouThere:
                Announce();
                break;
            case BlobRequest request:
                Serve(request);
                break;
        }
    }

    /// <summary>Somebody asks everybody who is there.</summary>
    public void Asked(WhoIsThere question) =>
        world.After(ReportSpread.Of(question.SpreadSeconds) * ReportSpread.ShareOf(id), () => Say(crowd.Topics.Tasks(crowd.Swarm, id), Presence()));

    private Presence Presence() => new()
    {
        Status = NodeStatus.Online, Started = time.GetUtcNow(), Modules = [SimulatedNode.Module], Resources = new NodeResources { Cores = 2, MemoryMib = 8192, Platform = "scripted" },
    };

    private void Scheduled(ScheduleAttempt asked)
    {
        if (schedule is { } known && known.Run == asked.Run && known.Round == asked.Round && known.Alias == asked.Alias)
        {
            if (asked.Number <= known.Number)
            {
                SayAgain();
                return;
            }
            if (record is not null)
            {
                (schedule, record) = (asked, record with { Attempt = asked.Attempt });
                SayAgain();
                return;
            }
        }
        (schedule, record) = (asked, null);
        Trainings++;
        SayAgain();
        Report(asked, 0);
        var interval = SpreadOf(asked) > ReportInterval ? SpreadOf(asked) : ReportInterval;
        world.After(crowd.Habits.HeedsSpread ? interval * ReportSpread.ShareOf(asked) : interval, () => KeepReporting(asked, interval));
        world.At(crowd.Habits.Ends(number, world.Now), () => End(asked));
    }

    private void KeepReporting(ScheduleAttempt of, TimeSpan interval)
    {
        if (schedule != of || record is not null)
            return;
        Report(of, 0.5);
        world.After(interval, () => KeepReporting(of, interval));
    }

    private void End(ScheduleAttempt of)
    {
        if (schedule != of || record is not null)
            return;
        // Whoever heeds the spread does not tell of its end before its turn, in whatever message.
        if (!crowd.Habits.HeedsSpread)
            Report(of, 1);
        if (hash.Length == 0)
            hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(weights));
        record = Of(of, new TaskCompleted
        {
            Seconds = 12.5,
            Results =
            [
                new StagedResult { Tag = "train_metrics", Content = new ValueRef { Value = JsonSerializer.SerializeToElement(new { loss = 0.25, samples = 10 }) } },
                new StagedResult { Tag = "model_params", Samples = 10, Content = new ValueRef { Blob = new BlobRef
                {
                    Sha256 = hash, Size = weights.Length, ChunkSize = ChunkSize, ChunkCount = (weights.Length + ChunkSize - 1) / ChunkSize, Format = ValueFormat.Weights,
                } } },
            ],
        });
        world.After(SpreadOf(of) * ReportSpread.ShareOf(of), () => Persist(of));
    }

    /// <summary>Says the record until its commit is seen.</summary>
    private void Persist(ScheduleAttempt of)
    {
        if (record is null || record.Round != of.Round || record.Run != of.Run || crowd.IsSettled(record))
            return;
        var pause = Resend + SpreadOf(of);
        if (lastSaid == default || world.Now - lastSaid >= pause)
            SayAgain();
        world.After(pause, () => Persist(of));
    }

    private void SayAgain()
    {
        if (record is not null)
            lastSaid = world.Now;
        Say(crowd.Topics.Tasks(crowd.Swarm, id), record is not null ? record : Of(schedule!, new TaskAccepted()));
    }

    private void Report(ScheduleAttempt of, double progress) =>
        Say(crowd.Topics.Tasks(crowd.Swarm, id), Of(of, new TaskRunning { Progress = progress, Loss = 0.3 }), delivery: Delivery.AtMostOnce);

    private void Serve(BlobRequest request)
    {
        if (request.Hash != hash)
            return;
        foreach (var chunk in request.Chunks)
            crowd.Send(id, crowd.Topics.NodeBlob(request.From, hash, chunk), weights.AsSpan(chunk * ChunkSize, Math.Min(ChunkSize, weights.Length - (chunk * ChunkSize))).ToArray());
    }

    private void Say(string topic, ControlMessage message, bool retain = false, Delivery delivery = Delivery.AtLeastOnce) =>
        crowd.Send(id, topic, ProtocolJson.Write(stamp.Stamp(message)), retain, delivery);

    private TimeSpan SpreadOf(ScheduleAttempt of) => crowd.Habits.HeedsSpread ? ReportSpread.Of(of) : TimeSpan.Zero;

    private static T Of<T>(ScheduleAttempt schedule, T update)
        where T : TaskUpdate => update with { Run = schedule.Run, Round = schedule.Round, Alias = schedule.Alias, Attempt = schedule.Attempt, BytesSent = 1000, BytesReceived = 2000 };

    private static byte[] Encode(int number)
    {
        using var vector = Vector.Of([.. Enumerable.Range(0, Length).Select(i => (i * 0.37f) + number)]);
        return WeightsCodec.Encode(vector).ToArray();
    }
}
