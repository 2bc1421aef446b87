using System.Text.Json;
using MantaLight.Metrics;
using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;
using MantaLight.Torch.Training;
using MantaLight.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Tests;

public sealed class MeasuredTests(TinyData data) : IClassFixture<TinyData>
{
    [Fact]
    public async Task A_test_tells_what_was_taken_for_what()
    {
        using var model = new TinyModel();
        using var weights = model.ToWeights();
        var done = await data.Attempt("{}", weights).RunAsync(new TinyTest(model));
        var (metrics, classes) = (done.Results["test_metrics"], done.Results["test_classes"]);

        // The same by hand: every sample's largest output.
        var confusion = new long[3][];
        using (NewDisposeScope())
        using (no_grad())
        {
            var arrays = TinyData.Arrays();
            var x = tensor(arrays["x_test"].Data.ToArray(), [TinyData.TestCount, 8, 8]).to(ScalarType.Float32) / 255;
            long[] guesses = [.. model.call(x).argmax(1).data<long>()];
            var labels = arrays["y_test"].Data.ToArray();
            for (var c = 0; c < 3; c++)
                confusion[c] = [.. Enumerable.Range(0, 3).Select(g => (long)labels.Where((l, i) => l == c && guesses[i] == g).Count())];
        }

        Assert.Equal(JsonSerializer.Serialize(confusion), classes.GetProperty("confusion").GetRawText());
        Assert.Equal(TinyData.TestCount, metrics.GetProperty("samples").GetInt64());
        Assert.Equal(confusion.Select((row, c) => row[c]).Sum(), metrics.GetProperty("correct").GetInt64());
        var counts = ClassCounts.OfConfusion(confusion);
        Assert.Equal(counts.MacroF1, metrics.GetProperty("macro_f1").GetDouble());
        Assert.Equal(metrics.GetProperty("accuracy").GetDouble(), metrics.GetProperty("micro_f1").GetDouble());
    }

    [Fact]
    public async Task A_metric_of_ones_own_stands_beside_the_others_with_its_sums()
    {
        using var model = new TinyModel();
        using var weights = model.ToWeights();
        var done = await data.Attempt("{}", weights).RunAsync(new TopTwoTest(model));
        var metrics = done.Results["test_metrics"];
        var sums = metrics.GetProperty("sums").GetProperty("top2_accuracy");

        Assert.Equal(TinyData.TestCount, sums[1].GetDouble());
        Assert.Equal(sums[0].GetDouble() / sums[1].GetDouble(), metrics.GetProperty("top2_accuracy").GetDouble());
        Assert.InRange(metrics.GetProperty("top2_accuracy").GetDouble(), metrics.GetProperty("accuracy").GetDouble(), 1);
        // As a record it can be read again.
        Assert.True(TaskJson.Read<TestMetrics>(metrics, "test_metrics").More!.ContainsKey("top2_accuracy"));
    }

    [Fact]
    public void One_output_tells_two_classes_apart()
    {
        using var scope = NewDisposeScope();
        var output = tensor(new[] { -1f, 2, 3, -4 }, [4, 1]);
        var tally = ClassTally.For(output)!;

        tally.Add(output.flatten().gt(0), tensor(new long[] { 0, 1, 0, 1 }));
        var counts = tally.Counts()!;

        Assert.Equal([1, 1], counts.Confusion![0]);
        Assert.Equal([1, 1], counts.Confusion[1]);
    }

    [Fact]
    public void Labels_that_are_no_class_are_left_out()
    {
        using var scope = NewDisposeScope();
        var tally = ClassTally.For(zeros(4, 3))!;

        tally.Add(tensor(new long[] { 0, 1, 2, 2 }), tensor(new long[] { 0, -100, 2, 7 }));

        Assert.Equal((2, 2), (tally.Counts()!.Samples, tally.Counts()!.Correct));
    }

    [Fact]
    public void Of_many_classes_there_are_counts_and_of_very_many_none()
    {
        using var scope = NewDisposeScope();
        var tally = ClassTally.For(zeros(1, 1000))!;

        tally.Add(tensor(new long[] { 5, 5, 999 }), tensor(new long[] { 5, 6, 999 }));
        var counts = tally.Counts()!;

        Assert.Null(counts.Confusion);
        Assert.Equal((1, 1, 0), (counts.TruePositives(5), counts.FalsePositives(5), counts.FalseNegatives(5)));
        Assert.Equal((0, 1), (counts.TruePositives(6), counts.FalseNegatives(6)));
        Assert.Equal((1 + (2 / 3.0) + 0) / 3, counts.MacroF1, 12);
        Assert.Null(ClassTally.For(zeros(1, 10_001)));
    }

    [Fact]
    public void Of_numbers_the_errors_are_measured()
    {
        using var scope = NewDisposeScope();
        var sums = new MetricSums();
        var targets = tensor(new[] { 1.5f, 2, 3 });

        Assert.True(RegressionErrors.Apply("MSELoss", targets));
        Assert.False(RegressionErrors.Apply("BCEWithLogitsLoss", targets));
        Assert.False(RegressionErrors.Apply("MSELoss", tensor(new long[] { 1 })));
        RegressionErrors.Add(tensor(new[] { 1f, 2, 5 }, [3, 1]), targets, sums);

        Assert.Equal([("mae", 2.5, 3.0), ("mse", 4.25, 3.0)], sums.Counted);
    }

    /// <summary>As docs/metrics.md shows it.</summary>
    private sealed class TopTwoTest(TinyModel model) : TorchTest<TinyModel>(model)
    {
        protected override string Dataset => "tiny";

        protected override void Measure(Tensor output, Tensor targets, MetricSums sums)
        {
            var (_, best) = output.topk(2, dim: 1);
            sums.Add("top2_accuracy", best.eq(targets.unsqueeze(1)).any(1).sum().ToDouble(), targets.shape[0]);
        }
    }
}
