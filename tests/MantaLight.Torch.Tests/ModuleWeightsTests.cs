using System.Runtime.InteropServices;
using MantaLight.Torch.Tests.Support;
using MantaLight.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Tests;

public class ModuleWeightsTests
{
    [Fact]
    public void Weights_go_round_with_names_shapes_and_bits()
    {
        using var one = new TinyModel();
        using var two = new TinyModel();
        using var weights = one.ToWeights();

        two.Load(weights);

        Assert.Equal(["hidden.weight", "hidden.bias", "output.weight", "output.bias"], weights.Select(w => w.Name));
        Assert.Equal([16, 64], weights[0].Shape.ToArray());
        using var back = two.ToWeights();
        Assert.Null(back.DifferenceFrom(weights));
        for (var i = 0; i < weights.Count; i++)
            Assert.Equal(weights[i].Data.ToArray(), back[i].Data.ToArray());
    }

    [Fact]
    public void Buffers_are_among_the_weights()
    {
        using var model = new NormalizedModel();
        LeakGuardAttribute.ParametersMade(4 + 1); // BatchNorm's constructor leaves one to the finalizers
        using var weights = model.ToWeights();

        Assert.Equal(ArrayType.Int64, weights["normalization.num_batches_tracked"].Type);
        Assert.Equal([2], weights["normalization.running_var"].Shape.ToArray());
        var changed = new NamedArrays(weights.Select(w => w.Name == "normalization.running_mean"
            ? new NamedArray(w.Name, w.Type, w.Shape, MemoryMarshal.AsBytes<float>([3, 4]).ToArray())
            : w));
        model.Load(changed);
        Assert.Equal([3f, 4f], weights["normalization.running_mean"].Span<float>().ToArray());
    }

    [Fact]
    public void Weights_are_views_and_no_copies()
    {
        using var model = new TinyModel();
        using var weights = model.ToWeights();
        using (no_grad())
        {
            foreach (var parameter in model.parameters())
                parameter.fill_(0.5).Dispose();
        }

        Assert.All(weights["hidden.weight"].Span<float>().ToArray(), v => Assert.Equal(0.5f, v));
    }

    [Fact]
    public void Weights_are_loaded_from_where_they_lie_without_a_copy_on_the_managed_heap()
    {
        using var model = nn.Linear(512, 512);
        LeakGuardAttribute.ParametersMade(2);
        using var weights = model.ToWeights();
        model.Load(weights);
        var before = GC.GetAllocatedBytesForCurrentThread();
        model.Load(weights);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, weights.TotalBytes / 10);
    }

    [Fact]
    public void Weights_outlive_their_module_and_cannot_be_read_after_their_own_end()
    {
        NamedArrays weights;
        byte[] expected;
        using (var model = new TinyModel())
        {
            weights = model.ToWeights();
            expected = weights[0].Data.ToArray();
        }

        Assert.Equal(expected, weights[0].Data.ToArray());
        var array = weights[0];
        weights.Dispose();
        Assert.Throws<ObjectDisposedException>(() => array.Data.Span.Length);
    }

    [Theory]
    [InlineData("name", "'other: float32 [16, 64]'")]
    [InlineData("shape", "'hidden.weight: float32 [64, 16]'")]
    [InlineData("type", "'hidden.weight: int32 [16, 64]'")]
    public void Another_layout_is_refused_by_its_first_difference(string difference, string named)
    {
        using var model = new TinyModel();
        using var weights = model.ToWeights();
        var first = weights[0];
        var other = difference switch
        {
            "name" => new NamedArray("other", first.Type, first.Shape, first.Data),
            "shape" => new NamedArray(first.Name, first.Type, [64, 16], first.Data),
            _ => new NamedArray(first.Name, ArrayType.Int32, first.Shape, first.Data),
        };

        var error = Assert.Throws<IncompatibleWeightsException>(() => model.Load(new NamedArrays([other, .. weights.Skip(1)])));

        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Contains("'hidden.weight: float32 [16, 64]'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_few_and_too_many_arrays_are_refused()
    {
        using var model = new TinyModel();
        using var weights = model.ToWeights();
        var extra = new NamedArray("extra", ArrayType.Float32, [1], new byte[4]);

        var few = Assert.Throws<IncompatibleWeightsException>(() => model.Load(new NamedArrays(weights.Take(3))));
        var many = Assert.Throws<IncompatibleWeightsException>(() => model.Load(new NamedArrays([.. weights, extra])));

        Assert.Contains("output.bias", few.Message, StringComparison.Ordinal);
        Assert.Contains("extra", many.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void NaN_and_infinities_are_refused_with_array_and_element(float bad)
    {
        using var model = new TinyModel();
        using var weights = model.ToWeights();
        var before = MemoryAttempt.Copy(weights);
        var values = new float[3];
        values[1] = bad;
        var last = new NamedArray("output.bias", ArrayType.Float32, [3], MemoryMarshal.AsBytes<float>(values).ToArray());

        var error = Assert.Throws<IncompatibleWeightsException>(() => model.Load(new NamedArrays([.. before.Take(3), last])));

        Assert.Contains("output.bias", error.Message, StringComparison.Ordinal);
        Assert.Contains("element 1", error.Message, StringComparison.Ordinal);
        Assert.Equal(before[3].Data.ToArray(), weights[3].Data.ToArray());
    }
}
