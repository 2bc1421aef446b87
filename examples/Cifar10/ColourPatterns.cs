using System.Runtime.InteropServices;
using MantaLight.Weights;
using MathNet.Numerics.Random;

namespace MantaLight.Examples.Cifar10;

/// <summary>
/// Images of CIFAR-10's shape to try the example on where the real ones are not to be had: stripes in two noisy colours. A class is one of five pairs of colours and one of
/// two directions; where the stripes lie, how wide and how bright they are is drawn for each image.
/// </summary>
public static class ColourPatterns
{
    /// <summary>Classes.</summary>
    public const int Classes = 10;

    private const int Side = 32;
    private const int Pixels = Side * Side;
    private const double Noise = 45;

    // Red, green and blue of each pair; the middle of a pair is grey for all, so that no mean colour gives a class away.
    private static readonly int[][] Contrasts = [[60, -60, 0], [0, 60, -60], [-60, 0, 60], [60, 60, -60], [-60, 60, 60]];

    /// <summary>So many images to train with and to test with, as nodes' files have them. The same seed and node always give the same.</summary>
    /// <param name="node">Whose they are.</param>
    /// <param name="seed">Where all randomness comes from.</param>
    /// <param name="train">At least 1.</param>
    /// <param name="test">At least 1.</param>
    public static IReadOnlyList<NamedArray> Make(int node, ulong seed, int train, int test)
    {
        var mixed = (seed + (ulong)node) * 0x9E3779B97F4A7C15;
        var random = new MersenneTwister((int)((mixed ^ (mixed >> 29)) >> 16), threadSafe: false);
        return [.. Part("train", train, random), .. Part("test", test, random)];
    }

    private static NamedArray[] Part(string name, int count, RandomSource random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var (images, labels) = (new byte[count * 3 * Pixels], new long[count]);
        for (var i = 0; i < count; i++)
        {
            labels[i] = i % Classes;
            Draw(images.AsSpan(i * 3 * Pixels, 3 * Pixels), (int)labels[i], random);
        }
        return
        [
            new NamedArray($"x_{name}", ArrayType.UInt8, [count, 3, Side, Side], images),
            new NamedArray($"y_{name}", ArrayType.Int64, [count], MemoryMarshal.AsBytes(labels.AsSpan()).ToArray()),
        ];
    }

    private static void Draw(Span<byte> image, int label, RandomSource random)
    {
        var contrast = Contrasts[label / 2];
        var isUpright = label % 2 == 1;
        var (phase, wave) = (random.NextDouble() * 2 * Math.PI, 2 * Math.PI / (5 + (random.NextDouble() * 5)));
        var (brightness, strength) = (100 + (random.NextDouble() * 56), 0.5 + (random.NextDouble() * 0.5));
        for (var p = 0; p < Pixels; p++)
        {
            var stripe = Math.Sin(phase + (wave * (isUpright ? p % Side : p / Side))) * strength;
            for (var channel = 0; channel < 3; channel++)
            {
                var value = brightness + (stripe * contrast[channel]) + ((random.NextDouble() - 0.5) * 2 * Noise);
                image[(channel * Pixels) + p] = (byte)Math.Clamp(value, 0, 255);
            }
        }
    }
}
