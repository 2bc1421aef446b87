using System.Buffers;
using MantaLight.Benchmarks.Report;
using MantaLight.Torch;
using MantaLight.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Benchmarks.Topics;

/// <summary>A worker's tensors to bytes and back, beside a copy of the same bytes.</summary>
internal static class WeightsTopic
{
    public static IEnumerable<Row> Measure()
    {
        using var model = new Mlp();
        using var other = new Mlp();
        using var weights = model.ToWeights();
        var buffer = new byte[WeightsCodec.Encode(weights).Length];
        WeightsCodec.Encode(weights).CopyTo(buffer);
        var (from, to) = (model.parameters().ToArray(), other.parameters().ToArray());
        void Copy()
        {
            for (var i = 0; i < from.Length; i++)
                from[i].bytes.CopyTo(to[i].bytes);
        }
        void Decode()
        {
            using var read = WeightsCodec.Decode(buffer);
            other.Load(read);
        }
        // In turn, since a processor's clock and neighbours change.
        var (copies, encodes, decodes) = (new List<double>(), new List<double>(), new List<double>());
        for (var i = 0; i < 7; i++)
        {
            copies.Add(Sample.Seconds(Copy, runs: 1).Median * 1e6);
            encodes.Add(Sample.Seconds(() => WeightsCodec.Encode(weights).CopyTo(buffer), runs: 1).Median * 1e6);
            decodes.Add(Sample.Seconds(Decode, runs: 1).Median * 1e6);
        }
        var (copy, encode, decode) = (Sample.Of(copies), Sample.Of(encodes), Sample.Of(decodes));
        var gather = Sample.Seconds(() => WeightsCodec.Encode(weights)).Select(s => s * 1e6);
        var peer = Peer.Run("weights", []);
        yield return RowOf("weights.encode", encode, copy, peer, "msgpack_encode", 1.1, "From tensors to a buffer that is there already.",
            "the same bytes are copied, with headers between them, to one buffer in place of six tensors; what a copy takes depends on which of both is in a cache.");
        yield return RowOf("weights.decode", decode, copy, peer, "msgpack_decode", 1.2, "From a buffer to tensors that are there already, checked for NaN in the same read; the floor copies from tensors to the same tensors.",
            "each value is checked as it is copied, which takes time of its own where the bytes are in a cache and a copy does not wait for memory.");
        yield return Row.Of("weights.encode_gather", gather, "us") with { Note = "Headers beside the tensors' own memory, as they are written to disk: nothing is copied." };
        foreach (var (name, text) in new[] { ("savez", "np.savez"), ("load", "np.load"), ("pickle_dumps", "pickle dumps"), ("pickle_loads", "pickle loads") })
        {
            if (peer.TryGetValue(name, out var sample))
                yield return Row.Of($"weights.peer_{name}", sample, "us") with { Note = $"{text} of the same arrays, for comparison." };
        }
    }

    private static Row RowOf(string name, Sample value, Sample copy, IReadOnlyDictionary<string, Sample> peer, string figure, double most, string note, string why) =>
        (Row.Of(name, value, "us") with { Ratio = value.Median / copy.Median, Target = FormattableString.Invariant($"at most {most} x a copy"), Note = note })
            .Above(copy).Beside("Python msgpack", peer.GetValueOrDefault(figure)).AtMost(value.Median / copy.Median, most, why);
}
