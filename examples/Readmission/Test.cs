using MantaLight.Metrics;
using MantaLight.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Examples.Readmission;

/// <summary>Tests the model on the patients that were kept back, and counts whom it misses: accuracy says little where few are readmitted.</summary>
public sealed class Test(ReadmissionModel model) : TorchTest<ReadmissionModel>(model)
{
    /// <inheritdoc/>
    protected override void Measure(Tensor output, Tensor targets, MetricSums sums)
    {
        var alarms = Predict(output);
        var found = (alarms * targets).sum().ToInt64();
        sums.Add("recall", found, targets.sum().ToInt64());
        sums.Add("precision", found, alarms.sum().ToInt64());
    }
}
