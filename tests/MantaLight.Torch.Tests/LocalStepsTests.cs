using MantaLight.Torch.Training;

namespace MantaLight.Torch.Tests;

/// <summary>How far steps reach, against steps made one by one with a gradient of 1.</summary>
public class LocalStepsTests
{
    [Theory]
    [InlineData(1, 0, 0)]
    [InlineData(7, 0, 0)]
    [InlineData(7, 0.9, 0)]
    [InlineData(40, 0.5, 0)]
    [InlineData(7, 0, 0.3)]
    [InlineData(100, 0, 0.01)]
    public void The_normalizer_is_the_way_of_steps_with_a_gradient_of_1_over_the_rate(int steps, double momentum, double mu)
    {
        const double Rate = 0.1;
        var (way, velocity) = (0.0, 0.0);
        for (var i = 0; i < steps; i++)
        {
            velocity = (momentum * velocity) + 1 - (mu * way);
            way += Rate * velocity;
        }
        Assert.Equal(way / Rate, LocalSteps.Normalizer(steps, momentum, Rate, mu), 1e-9);
    }

    [Fact]
    public void Other_optimizers_steps_count_one_each() => Assert.Equal(12, LocalSteps.Normalizer(12, null, 0.1, 0.5));
}
