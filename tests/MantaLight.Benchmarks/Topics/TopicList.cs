using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>All topics, in the report's order.</summary>
internal static class TopicList
{
    /// <summary>The topics.</summary>
    public static IReadOnlyList<Topic> All { get; } =
    [
        new("training", "The tutorial's training loop as a worker runs it, beside PyTorch's eager one.",
            new Measurement([.. new[] { 1, 2 }.Where(t => t <= Environment.ProcessorCount).Select(t => $"mlp_{t}_threads")], TrainingTopic.Measure)),
        new("weights", "A worker's tensors to bytes and back, beside a copy of the same bytes.",
            new Measurement(["encode", "decode", "encode_gather", "peer_savez", "peer_load", "peer_pickle_dumps", "peer_pickle_loads"], WeightsTopic.Measure)),
        new("aggregation", "The weighted mean of 100 models, as they arrive and of all at once, beside one read of them.",
            new Measurement(["as_they_arrive", "all_at_once", "all_at_once_all_cores", "share_of_bandwidth", "peer_in_place", "memory"], AggregationTopic.Measure)),
        new("transport", "Messages between connections of the product, over its own broker and over mosquitto, beside plain TCP.",
            new Measurement(["mosquitto_chunks", "mosquitto_round_trip", "embedded_chunks", "embedded_round_trip"], TransportTopic.Measure)),
        new("overhead", "Whole rounds of four tasks, nodes in processes of their own, no training, the tutorial's model: what a round costs beside training.",
            new Measurement([.. BrokerProcess.Names.SelectMany(b => new[] { 2, 5, 10 }.Select(n => $"{b}_{n:D2}_nodes"))], OverheadTopic.Measure)),
        new("simulate", "Thousands of participants in one process: the 2NN of McMahan et al., batches of 10, one epoch.",
            new Measurement([.. new[] { 100, 1000, 10_000 }.SelectMany(n => new[] { $"updates_of_{n:D5}", $"memory_of_{n:D5}" })], SimulateTopic.Measure)),
        new("participants", "Growth of a simulated swarm: a hundred participants at most take part in a round, 40 kB of model, no training.", ParticipantsTopic.Measurements),
        new("nodes", "Growth of a real swarm: nodes with connections of their own in one process, a hundred at most taking part in a round, 40 kB of model, no training.", NodesTopic.Measurements),
        new("large", "Growth of the model: four nodes in processes of their own and the embedded broker in another, no training; memory is what is not of mapped files.", LargeTopic.Measurements),
        new("idle", "What costs while nothing happens: a node that is online, and 10,000 connections to a broker.", IdleTopic.Measurements),
    ];
}
