using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>All topics, in the report's order.</summary>
internal static class TopicList
{
    /// <summary>The topics.</summary>
    public static IReadOnlyList<Topic> All { get; } =
    [
        new("training", "The tutorial's training loop as a worker runs it, beside PyTorch's eager one.",
            new Measurement(TrainingTopic.Rows, TrainingTopic.Measure), new Measurement(["memory_of_1000_rounds"], () => [Topics.Rounds.Measure()], isRepeated: true),
            new Measurement(["nodes_memory_of_1000_rounds"], NodeRounds.Measure, isRepeated: true)),
        new("weights", "A worker's tensors to bytes and back, beside a copy of the same bytes.",
            new Measurement(["encode", "decode", "encode_gather", "peer_savez", "peer_load", "peer_pickle_dumps", "peer_pickle_loads"], WeightsTopic.Measure)),
        new("aggregation", "The weighted mean of 100 models, as they arrive and of all at once, beside one read of them.",
            new Measurement(AggregationTopic.Rows, AggregationTopic.Measure, isRepeated: true), new Measurement(["same_bits"], AggregationOrder.Measure, IsRepeated: true),
            new Measurement(AggregationMemory.Rows, AggregationMemory.Measure, isRepeated: true)),
        new("transport", "Messages between connections of the product, over its own broker and over mosquitto, beside plain TCP.",
            new Measurement(["mosquitto_chunks", "mosquitto_round_trip", "embedded_chunks", "embedded_round_trip"], TransportTopic.Measure)),
        new("overhead", $"Whole rounds of four tasks, nodes in processes of their own, no training, the tutorial's model: what a round costs beside training. {OverheadTopic.About}",
            OverheadTopic.Measurements),
        new("simulate", "Thousands of participants in one process: the 2NN of McMahan et al., batches of 10, one epoch.",
            new Measurement(SimulateTopic.Rows, SimulateTopic.Measure), new Measurement(SimulateTopic.TenthRows, SimulateTopic.MeasureTenth, isRepeated: true)),
        new("codecs", "Each codec: bytes of a trained model, time to pack and to unpack it beside a copy, and what a swarm learns by it in ten rounds of MNIST.",
            Codecs.Measurements),
        new("secure", "Secure aggregation among all nodes: what a node does beside its training, what the aggregator does beside its mean, and bytes; the tutorial's model.", new Measurement(SecureTopic.Rows, SecureTopic.Measure)),
        new("participants", "Growth of a simulated swarm: a hundred participants at most take part in a round, 40 kB of model, no training.", ParticipantsTopic.Measurements),
        new("nodes", "Growth of a real swarm: nodes with connections of their own in one process, a hundred at most taking part in a round, 40 kB of model, no training.", NodesTopic.Measurements),
        new("large", "Growth of the model: four nodes in processes of their own and the embedded broker in another, no training; memory is what is not of mapped files.", LargeTopic.Measurements),
        new("idle", "What costs while nothing happens: a node that is online, and the connections of 10,000 nodes to a broker.", IdleTopic.Measurements),
    ];
}
