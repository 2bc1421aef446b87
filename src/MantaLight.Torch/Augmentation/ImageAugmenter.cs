using MantaLight.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Augmentation;

/// <summary>
/// Applies <see cref="AugmentationOptions"/> to batches of images: one resampling (bilinear, zero outside) for all changes
/// together. It draws from a generator of its own: the same seed and the same calls give the same images.
/// </summary>
public sealed class ImageAugmenter : IDisposable
{
    // Fields and grids of a chunk stay in the processor's cache.
    private const int ChunkSize = 512;

    private readonly AugmentationOptions options;
    private readonly Generator generator;
    private readonly long height;
    private readonly long width;
    private readonly Tensor? smoothRows;
    private readonly Tensor? smoothColumns;

    /// <summary>Makes an augmenter for images of one size.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="height">Pixels, at least 1.</param>
    /// <param name="width">Pixels, at least 1.</param>
    /// <param name="seed">Where all draws come from.</param>
    public ImageAugmenter(AugmentationOptions options, long height, long width, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        TorchRuntime.EnsureLoaded();
        this.options = options;
        this.height = height;
        this.width = width;
        generator = new Generator(Seeds.Derive(seed, Seeds.Augmentation));
        if (options.ElasticAlpha > 0)
        {
            smoothRows = GaussianFilter(height, options.ElasticSigma);
            smoothColumns = GaussianFilter(width, options.ElasticSigma);
        }
    }

    /// <summary>Changes images in place.</summary>
    /// <param name="images">float32, [n, height, width] or [n, channels, height, width], contiguous.</param>
    /// <exception cref="DatasetException">The shape is another one.</exception>
    public void Apply(Tensor images)
    {
        var shape = images.shape;
        if (shape.Length is not (3 or 4) || shape[^2] != height || shape[^1] != width)
            throw new DatasetException($"Samples [{string.Join(", ", shape)}] are not images of {height} x {width}, which augmentation needs.");
        if (!options.IsOn)
            return;
        using var noGradients = no_grad();
        for (long start = 0; start < shape[0]; start += ChunkSize)
        {
            using var scope = NewDisposeScope();
            var chunk = images.narrow(0, start, Math.Min(ChunkSize, shape[0] - start));
            var input = shape.Length == 3 ? chunk.unsqueeze(1) : chunk;
            var output = nn.functional.grid_sample(
                input, SamplingGrid(input.shape[0]), GridSampleMode.Bilinear, GridSamplePaddingMode.Zeros, align_corners: false);
            input.copy_(output);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        generator.Dispose();
        smoothRows?.Dispose();
        smoothColumns?.Dispose();
    }

    /// <summary>Where each pixel of n images comes from, [n, height, width, 2] in grid_sample's units (2 over an image's side).</summary>
    internal Tensor SamplingGrid(long n)
    {
        var grid = nn.functional.affine_grid(AffineMaps(n), [n, 1, height, width], align_corners: false);
        if (options.ElasticAlpha > 0)
        {
            var fields = DisplacementFields(n);
            grid.select(3, 0).add_(fields.select(2, 0).permute(1, 0, 2), alpha: 2.0 / width);
            grid.select(3, 1).add_(fields.select(2, 1).permute(1, 0, 2), alpha: 2.0 / height);
        }
        return grid;
    }

    /// <summary>Displacements along x and y, [height, n, 2, width] in pixels.</summary>
    internal Tensor DisplacementFields(long n)
    {
        // The Gaussian is separable, and along one axis it is a small matrix: two products for all fields at once.
        var noise = empty(height, n * 2 * width).uniform_(-1, 1, generator);
        var rows = smoothRows!.mm(noise);
        return rows.view(height * n * 2, width).mm(smoothColumns!).mul_(options.ElasticAlpha).view(height, n, 2, width);
    }

    // [n, 2, 3]: rotation x shear x 1/scale, then the shift, from output to input coordinates.
    private Tensor AffineMaps(long n)
    {
        var angle = Draw(n, options.Rotation * Math.PI / 180);
        var shear = Draw(n, options.Shear);
        var scaleX = Draw(n, options.Scale).add_(1).reciprocal_();
        var scaleY = Draw(n, options.Scale).add_(1).reciprocal_();
        var shiftX = Draw(n, options.Shift * 2 / width);
        var shiftY = Draw(n, options.Shift * 2 / height);
        Tensor cosine = angle.cos(), sine = angle.sin();
        var aspect = (double)height / width; // grid units differ per axis where the image is oblong
        return stack(
            [
                cosine * scaleX,
                ((cosine * shear) - sine) * scaleY * aspect,
                shiftX,
                sine * scaleX / aspect,
                ((sine * shear) + cosine) * scaleY,
                shiftY,
            ],
            dim: 1).view(n, 2, 3);
    }

    private Tensor Draw(long n, double range) => empty(n).uniform_(-range, range == 0 ? 0 : range, generator);

    // Symmetric; rows near the edge sum to less than 1, as the field is zero outside.
    private static Tensor GaussianFilter(long size, double sigma)
    {
        var radius = (int)((4 * sigma) + 0.5);
        var weights = new double[radius + 1];
        for (var d = 0; d <= radius; d++)
            weights[d] = Math.Exp(-d * d / (2 * sigma * sigma));
        var sum = (2 * weights.Sum()) - weights[0];

        var matrix = new float[size * size];
        for (long i = 0; i < size; i++)
        {
            for (long j = 0; j < size; j++)
            {
                if (Math.Abs(i - j) is var distance && distance <= radius)
                    matrix[(i * size) + j] = (float)(weights[distance] / sum);
            }
        }
        return tensor(matrix, [size, size]).DetachFromDisposeScope();
    }
}
