using MantaLight.Torch.Augmentation;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Tests;

public class AugmentationTests
{
    private static readonly AugmentationOptions Full = new() { Rotation = 12, Scale = 0.12, Shear = 0.12, Shift = 1.5, ElasticAlpha = 34 };

    [Fact]
    public void Off_by_default_it_leaves_every_bit()
    {
        Assert.False(new AugmentationOptions().IsOn);
        Assert.Equal(Images(5), Augmented(new AugmentationOptions(), 5, seed: 1));
    }

    [Fact]
    public void A_map_that_moves_nothing_gives_the_image_back()
    {
        // So small that no pixel moves, but the whole way through grid and resampling is taken.
        var images = Images(5);
        var same = Augmented(new AugmentationOptions { Rotation = 1e-9, ElasticAlpha = 1e-9 }, 5, seed: 1);

        Assert.All(images.Zip(same), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits_and_another_one_others()
    {
        Assert.Equal(Augmented(Full, 600, seed: 1), Augmented(Full, 600, seed: 1));
        Assert.NotEqual(Augmented(Full, 600, seed: 1), Augmented(Full, 600, seed: 2));
    }

    [Fact]
    public void Each_sample_and_each_epoch_gets_a_change_of_its_own()
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var augmenter = new ImageAugmenter(Full, 28, 28, 1);
        var one = Pattern(2);
        var again = Pattern(2);

        augmenter.Apply(one);
        augmenter.Apply(again);

        Assert.False(one[0].allclose(one[1]));
        Assert.False(one.allclose(again));
    }

    [Fact]
    public void Displacements_have_zero_mean_and_the_deviation_of_a_smoothed_uniform_field()
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var augmenter = new ImageAugmenter(new AugmentationOptions { ElasticAlpha = 34, ElasticSigma = 4 }, 28, 28, 3);

        var fields = augmenter.DisplacementFields(2000); // [28, n, 2, 28]

        // Far from the edge: 34 times the deviation 1/sqrt(3) of the noise times the norm 1/(2 sqrt(pi) 4) of the kernel.
        var center = fields.narrow(0, 13, 2).narrow(3, 13, 2);
        var expected = 34 / Math.Sqrt(3) / (2 * Math.Sqrt(Math.PI) * 4);
        Assert.Equal(0, fields.mean().ToDouble(), 0.03);
        Assert.Equal(expected, center.std().ToDouble(), 0.06 * expected);
        // Neighbors move together, and the two directions are independent.
        var (left, right) = (fields.select(0, 14).select(2, 13), fields.select(0, 14).select(2, 14));
        Assert.True(Correlation(left.flatten(), right.flatten()) > 0.95);
        Assert.Equal(0, Correlation(left.select(1, 0), left.select(1, 1)), 0.1);
    }

    [Fact]
    public void A_shift_moves_whole_pixels_and_zeros_come_in()
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var augmenter = new ImageAugmenter(new AugmentationOptions { Shift = 3 }, 28, 28, 5);
        var images = zeros(400, 28, 28);
        images.select(1, 14).select(1, 14).fill_(1);

        augmenter.Apply(images);

        var columns = images.sum(1).mv(arange(28, ScalarType.Float32));
        var rows = images.sum(2).mv(arange(28, ScalarType.Float32));
        Assert.All(images.sum([1L, 2L]).data<float>().ToArray(), mass => Assert.Equal(1, mass, 1e-4f));
        Assert.InRange(columns.min().ToDouble(), 11, 11.3);
        Assert.InRange(columns.max().ToDouble(), 16.7, 17);
        Assert.InRange(rows.std().ToDouble(), 1.55, 1.9); // uniform over 6 pixels: 1.73
    }

    [Fact]
    public void A_rotation_of_an_oblong_image_keeps_lengths()
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var augmenter = new ImageAugmenter(new AugmentationOptions { Rotation = 90 }, 20, 60, 7);

        var grid = augmenter.SamplingGrid(50);

        // Neighboring pixels come from points that are one pixel apart, along both axes.
        var pixels = grid * tensor([30f, 10f]);
        var across = (pixels.narrow(2, 1, 59) - pixels.narrow(2, 0, 59)).norm(3);
        var down = (pixels.narrow(1, 1, 19) - pixels.narrow(1, 0, 19)).norm(3);
        Assert.Equal(0, (across - 1).abs().max().ToDouble(), 1e-3);
        Assert.Equal(0, (down - 1).abs().max().ToDouble(), 1e-3);
    }

    [Fact]
    public void Images_of_another_size_are_refused()
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var augmenter = new ImageAugmenter(Full, 28, 28, 1);

        Assert.Contains("[3, 784]", Assert.Throws<DatasetException>(() => augmenter.Apply(zeros(3, 784))).Message, StringComparison.Ordinal);
    }

    private static double Correlation(Tensor a, Tensor b)
    {
        var (x, y) = (a - a.mean(), b - b.mean());
        return (x * y).mean().ToDouble() / Math.Sqrt(x.square().mean().ToDouble() * y.square().mean().ToDouble());
    }

    private static Tensor Pattern(long n) => linspace(0, 1, n * 784).view(n, 784).cos().view(n, 28, 28).narrow(0, 0, 1).repeat(n, 1, 1);

    private static float[] Images(long n)
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        return linspace(0, 40, n * 784).sin().data<float>().ToArray();
    }

    private static float[] Augmented(AugmentationOptions options, long n, ulong seed)
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var augmenter = new ImageAugmenter(options, 28, 28, seed);
        var images = linspace(0, 40, n * 784).sin().view(n, 28, 28);
        augmenter.Apply(images);
        return images.data<float>().ToArray();
    }
}
