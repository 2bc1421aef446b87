using System.Text.Json;
using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>A number in nodes' results: <c>TAG.KEY</c>, or <c>TAG.KEY.KEY</c> for one in an object inside.</summary>
internal sealed class MetricPath
{
    private const string SamplesKey = "samples";

    // Differences of such values are finite, so no node can drive the mean to infinity.
    private const double Largest = 1e290;

    private readonly string[] parts;

    /// <param name="path">One for which <see cref="IsPath"/> holds.</param>
    public MetricPath(string path) => parts = path.Split('.');

    /// <summary>The result's tag.</summary>
    public string Tag => parts[0];

    /// <summary>The last key, for messages.</summary>
    public string Name => parts[^1];

    public static bool IsPath(string? text) => text?.Split('.') is { Length: >= 2 } parts && parts.All(p => p.Length > 0);

    /// <summary>The metric of each node that has it among the JSON results of the tasks before, in node-id order.</summary>
    public async Task<IReadOnlyList<MetricReading>> OfAllAsync(World world, CancellationToken cancellationToken)
    {
        var readings = new List<MetricReading>();
        foreach (var result in world.Results.Select(Tag).Where(r => r.Samples is null))
        {
            try
            {
                if (Read(result.Node, await result.GetAsync<JsonElement>(cancellationToken)) is { } reading)
                    readings.Add(reading);
            }
            catch (MalformedDataException)
            {
                // As if it had told none.
            }
        }
        return readings;
    }

    /// <summary>One node's metric and its weight; null where the result has no such finite number, or a weight that is none.</summary>
    public MetricReading? Read(string node, JsonElement result)
    {
        var holder = result;
        var value = result;
        foreach (var key in parts.AsSpan(1))
        {
            holder = value;
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(key, out value))
                return null;
        }
        if (value.ValueKind != JsonValueKind.Number || Math.Abs(value.GetDouble()) is not <= Largest)
            return null;
        if (!holder.TryGetProperty(SamplesKey, out var samples) && !result.TryGetProperty(SamplesKey, out samples))
            return new MetricReading(node, value.GetDouble(), null);
        return samples.ValueKind == JsonValueKind.Number && samples.TryGetInt64(out var count) && count is >= 0 and <= WeightedMean.MaximumSamples
            ? new MetricReading(node, value.GetDouble(), count)
            : null;
    }
}

/// <summary>One node's metric.</summary>
internal readonly record struct MetricReading(string Node, double Value, long? Samples)
{
    /// <summary>The mean by samples where any reading has them, else the plain mean; null where nothing weighs anything.</summary>
    public static double? MeanOf(IReadOnlyList<MetricReading> readings)
    {
        var isWeighted = readings.Any(r => r.Samples is not null);
        double mean = 0;
        double total = 0;
        foreach (var reading in readings)
        {
            double weight = isWeighted ? reading.Samples ?? 0 : 1;
            total += weight;
            // A running mean, as it gives back a value that all nodes agree on to the last bit: a sum divided may fall
            // just short of a threshold that every one of them has reached.
            if (weight > 0)
                mean += (reading.Value - mean) * (weight / total);
        }
        return total > 0 ? mean : null;
    }
}
