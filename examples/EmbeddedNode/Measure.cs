using MantaLight.Tasks;

namespace MantaLight.Examples.EmbeddedNode;

/// <summary>What a node tells of its numbers: their mean and how many there are, never the numbers.</summary>
public sealed record Measurement(double Mean, long Samples);

/// <summary>Reads the node's own numbers (a float64 array in a .npy file) and adds their mean.</summary>
public sealed class Measure : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        using var data = await Local.GetDataAsync("numbers", cancellationToken);
        var numbers = data[0].Span<double>();
        var sum = 0.0;
        foreach (var number in numbers)
            sum += number;
        World.Results.Add("measurement", new Measurement(sum / numbers.Length, numbers.Length));
    }
}
