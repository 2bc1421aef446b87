using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace MantaLight.Cli.Comparing;

/// <summary>What one way to learn came to.</summary>
internal sealed record ComparedRun
{
    /// <summary><c>centralized</c>, <c>federated</c>, or the participant that was alone.</summary>
    public required string Name { get; init; }

    /// <summary>How it ended.</summary>
    public required string Status { get; init; }

    /// <summary>Why.</summary>
    public required string? Reason { get; init; }

    /// <summary>Training samples.</summary>
    public required long Samples { get; init; }

    /// <summary>How often each sample was trained on: local epochs of all rounds.</summary>
    public required double Epochs { get; init; }

    /// <summary>Its rounds.</summary>
    public required ImmutableArray<ComparedRound> Rounds { get; init; }

    /// <summary>How long it took here.</summary>
    public required double Seconds { get; init; }

    /// <summary>Training alone, of the slowest participant of each round: what it takes where participants train side by side.</summary>
    public required double TrainSeconds { get; init; }

    /// <summary>Bytes that were sent: data to one place, or weights.</summary>
    public required long BytesSent { get; init; }

    /// <summary>Bytes that were received.</summary>
    public required long BytesReceived { get; init; }

    /// <summary>Who sees what.</summary>
    public required string Privacy { get; init; }

    /// <summary>Whether it has run all its rounds.</summary>
    [JsonIgnore]
    public bool IsCompleted => Status == "completed";

    /// <summary>The model at the end on the test data, 0 to 1; null where nobody tells.</summary>
    public double? Accuracy => Rounds.LastOrDefault()?.Accuracy;

    /// <summary>Its loss on the test data.</summary>
    public double? Loss => Rounds.LastOrDefault()?.Loss;
}

/// <summary>One round.</summary>
/// <param name="Round">From 1.</param>
/// <param name="Epochs">How often each sample was trained on up to here.</param>
/// <param name="Accuracy">On the test data.</param>
/// <param name="Loss">On the test data.</param>
/// <param name="TrainLoss">The mean loss while training.</param>
/// <param name="BytesSent">Up to here.</param>
/// <param name="BytesReceived">Up to here.</param>
internal sealed record ComparedRound(int Round, double Epochs, double? Accuracy, double? Loss, double? TrainLoss, long BytesSent, long BytesReceived);
