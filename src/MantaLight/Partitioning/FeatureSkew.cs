using System.Globalization;
using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Partitioning;

/// <summary>How the samples of one node look different from those of another, whatever their classes.</summary>
public abstract record FeatureSkew
{
    private FeatureSkew()
    {
    }

    /// <summary>A node's samples as they look there.</summary>
    /// <param name="samples">Samples along the first dimension, uint8 (0 to 255) or float32; stays as it is.</param>
    /// <param name="node">The node's number, from 0.</param>
    /// <param name="nodes">How many nodes there are.</param>
    /// <param name="random">Where noise comes from.</param>
    /// <returns>New samples of the same name and shape.</returns>
    /// <exception cref="InvalidSettingException">They are not of a kind that it could change.</exception>
    public abstract NamedArray Apply(NamedArray samples, int node, int nodes, SeededRandom random);

    /// <summary>
    /// Images turned counter-clockwise by node / nodes of an angle (Ghosh et al. 2020, "An Efficient Framework for Clustered Federated Learning", Rotated MNIST: 360° over 4 are 0°, 90°, 180° and 270°). Between pixels
    /// it is bilinear, and black comes in from outside.
    /// </summary>
    /// <param name="Degrees">The angle that is spread over all nodes, above 0 to 360.</param>
    public sealed record Rotation(double Degrees) : FeatureSkew
    {
        /// <inheritdoc/>
        public override NamedArray Apply(NamedArray samples, int node, int nodes, SeededRandom random)
        {
            if (samples.Shape.Length is not (3 or 4))
                throw new InvalidSettingException($"'{this}' turns images, [n, height, width] or [n, channels, height, width], and '{samples}' is none.");
            var rotation = new ImageRotation((int)samples.Shape[^2], (int)samples.Shape[^1], Degrees * node / nodes);
            switch (samples.Type)
            {
                case ArrayType.UInt8:
                    var bytes = new byte[samples.Count];
                    rotation.Turn(samples.Data.Span, bytes, value => value, value => (byte)Math.Clamp(Math.Round(value), 0, 255));
                    return new NamedArray(samples.Name, samples.Type, samples.Shape, bytes);
                case ArrayType.Float32:
                    var floats = new float[samples.Count];
                    rotation.Turn(samples.Span<float>(), floats, value => value, value => (float)value);
                    return new NamedArray(samples.Name, samples.Type, samples.Shape, MemoryMarshal.AsBytes(floats.AsSpan()).ToArray());
                default:
                    throw Unknown(samples);
            }
        }

        /// <inheritdoc/>
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"rotate:{Degrees}");
    }

    /// <summary>
    /// Noise that grows from node to node: of mean 0 and variance σ i / N for the i-th of N (Li et al. 2022, "Federated Learning on Non-IID Data Silos: An Experimental Study", section 4.2). Pixels of 0 to 255 are
    /// taken as 0 to 1, and become float32, since noise goes beyond both ends.
    /// </summary>
    /// <param name="Sigma">The variance at the last node, above 0, at most 100.</param>
    public sealed record Noise(double Sigma) : FeatureSkew
    {
        /// <inheritdoc/>
        public override NamedArray Apply(NamedArray samples, int node, int nodes, SeededRandom random)
        {
            var deviation = Math.Sqrt(Sigma * (node + 1) / nodes);
            var noisy = new byte[checked(samples.Count * sizeof(float))];
            var floats = MemoryMarshal.Cast<byte, float>(noisy.AsSpan());
            switch (samples.Type)
            {
                case ArrayType.UInt8:
                    for (var i = 0; i < floats.Length; i++)
                        floats[i] = (float)((samples.Data.Span[i] / 255.0) + (deviation * random.NextNormal()));
                    break;
                case ArrayType.Float32:
                    var clean = samples.Span<float>();
                    for (var i = 0; i < floats.Length; i++)
                        floats[i] = (float)(clean[i] + (deviation * random.NextNormal()));
                    break;
                default:
                    throw Unknown(samples);
            }
            return new NamedArray(samples.Name, ArrayType.Float32, samples.Shape, noisy);
        }

        /// <inheritdoc/>
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"noise:{Sigma}");
    }

    private protected InvalidSettingException Unknown(NamedArray samples) => new($"'{this}' changes samples of uint8 or float32, and '{samples}' holds others.");
}
