using MantaLight.Blobs;
using MantaLight.Protocol;
using MantaLight.Virtual;
using MantaLight.Weights;

namespace MantaLight.Tests.Virtual;

/// <summary>What virtual nodes have shared, and for how long.</summary>
public sealed class SharedValuesTests : IDisposable
{
    private readonly SharedValues shared = new();

    public void Dispose() => shared.Dispose();

    [Fact]
    public void A_result_goes_when_all_have_read_it_or_its_round_is_over_and_a_global_stays()
    {
        var (worker, other) = (Result("worker", 2, 1), Result("other", 2, 2));
        var global = shared.Share(shared.StageGlobal(Weights(3), WeightsCodec.Encode(Weights(3)), ValueFormat.Weights));
        shared.Settle(new SwarmState { Round = 2 }, new HashSet<string> { "worker" });
        Assert.Throws<BlobUnavailableException>(() => shared.Read(worker));
        Assert.Equal(2, Value(other));
        shared.Settle(new SwarmState { Round = 3 }, new HashSet<string>());
        Assert.Throws<BlobUnavailableException>(() => shared.Read(other));
        Assert.Equal(3, Value(global));
    }

    [Fact]
    public void All_who_read_a_value_read_the_same_memory()
    {
        var result = Result("worker", 1, 7);
        using var one = shared.Read(result);
        using var other = shared.Read(result);
        Assert.True(one[0].Data.Span == other[0].Data.Span);
    }

    [Fact]
    public void Who_still_reads_what_has_gone_keeps_its_bytes()
    {
        var first = Result("worker", 1, 7);
        using var reading = shared.Read(first);
        shared.Settle(new SwarmState { Round = 2 }, new HashSet<string>());
        Result("worker", 2, 8);
        Assert.Equal(7, reading[0].Data.Span[0]);
    }

    [Fact]
    public void A_result_of_a_task_without_a_barrier_stays_until_it_has_counted_and_been_read()
    {
        var late = shared.Share(shared.StageResult(Weights(5), 1, ValueFormat.Weights, "node", new ScheduleAttempt { Alias = "worker", Round = 1, Attempt = "late", MaximumStaleness = 5 }, "model_params"));
        AttemptGroup[] own = [new AttemptGroup { Round = 1, Nodes = ["node"] }];
        SwarmState Seen(TaskState worker) => new() { Round = 3, Tasks = [worker with { Alias = "worker" }] };
        shared.Settle(Seen(new TaskState { InFlight = [.. own], Counted = [] }), new HashSet<string> { "worker" });
        Assert.Equal(5, Value(late));
        shared.Settle(Seen(new TaskState { InFlight = [], Counted = [.. own] }), new HashSet<string>());
        Assert.Equal(5, Value(late));
        shared.Settle(Seen(new TaskState { InFlight = [], Counted = [.. own] }), new HashSet<string> { "worker" });
        Assert.Throws<BlobUnavailableException>(() => shared.Read(late));
    }

    private BlobRef Result(string alias, int round, byte value) =>
        shared.Share(shared.StageResult(Weights(value), 1, ValueFormat.Weights, "node", new ScheduleAttempt { Alias = alias, Round = round, Attempt = $"{alias}.{round}" }, "model_params"));

    private byte Value(BlobRef blob)
    {
        using var read = shared.Read(blob);
        return read[0].Data.Span[0];
    }

    private static NamedArrays Weights(byte value) => new([new NamedArray("w", ArrayType.UInt8, [1], new[] { value })]);
}
