using System.Text.Json;

namespace MantaLight.Swarms;

/// <summary>
/// How a task takes part without a barrier (Nguyen et al. 2022, "Federated Learning with Buffered Asynchronous Aggregation", Algorithm 1): its part of a round is over as soon as the buffer is full; attempts
/// that are under way go on, and their records count in the round in which they come.
/// </summary>
/// <param name="Buffer">How many records fill the buffer, 1 to 256; all of them where fewer nodes take part.</param>
/// <param name="MaximumStaleness">How many rounds later than it began an attempt may still count, 0 to 50; beyond that it is cancelled.</param>
public sealed record AsynchronousDefinition(int Buffer, int MaximumStaleness)
{
    /// <summary>The largest buffer: the committed state names whose records are in it.</summary>
    public const int MostRecords = 256;

    /// <summary>The largest staleness: globals are kept for attempts that have begun with them.</summary>
    public const int MostRounds = 50;

    /// <summary>The buffer of the paper.</summary>
    public static AsynchronousDefinition Default { get; } = new(10, 20);

    internal static AsynchronousDefinition? Read(JsonObjectReader json, SwarmProblems problems)
    {
        if (!json.TryGet("asynchronous", out var value) || JsonObjectReader.Open(value, json.PathOf("asynchronous"), problems, "buffer", "maximum_staleness") is not { } own)
            return null;
        return new AsynchronousDefinition(
            (int)(own.Integer("buffer", 1, MostRecords) ?? Default.Buffer), (int)(own.Integer("maximum_staleness", 0, MostRounds) ?? Default.MaximumStaleness));
    }

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("asynchronous");
        json.WriteNumber("buffer", Buffer);
        json.WriteNumber("maximum_staleness", MaximumStaleness);
        json.WriteEndObject();
    }
}
