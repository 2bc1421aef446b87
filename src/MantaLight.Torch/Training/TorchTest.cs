using MantaLight.Metrics;
using MantaLight.Torch.Diagnostics;
using MantaLight.Torch.Native;
using MantaLight.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>
/// Tests the global weights, with this node's own <c>personal</c> layers where there are any, on the node's test data: adds the result <c>test_metrics</c> (<see cref="TestMetrics"/>) and, for a classification,
/// <c>test_classes</c> (<see cref="ClassReport"/>: what was taken for what). Override <see cref="Measure"/> to have more.
/// </summary>
/// <typeparam name="TModel">The model, from the attempt's scope, which disposes it.</typeparam>
public abstract class TorchTest<TModel>(TModel model) : TorchTask<TModel>(model)
    where TModel : nn.Module<Tensor, Tensor>
{
    /// <summary>Samples of a batch.</summary>
    /// <value>1000.</value>
    protected virtual int BatchSize => 1000;

    /// <inheritdoc/>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        TorchRuntime.EnsureLoaded(Logger);
        var hyperparameters = await GetHyperparametersAsync(cancellationToken);
        await LoadModelAsync(hyperparameters, cancellationToken);
        using var loader = new DataLoader(await GetDataAsync(train: false, cancellationToken), BatchSize);
        var (metrics, classes) = await TorchThread.RunAsync(() => Evaluate(loader, hyperparameters, cancellationToken), Context.Threads, cancellationToken);
        if (metrics.Accuracy is { } accuracy)
            Log.Tested(Logger, metrics.Samples, accuracy, metrics.Loss);
        else
            Log.TestedLoss(Logger, metrics.Samples, metrics.Loss);
        World.Results.Add(GlobalMetrics.TestTag, metrics);
        if (classes is not null)
            World.Results.Add(GlobalMetrics.ClassesTag, ClassReport.Of(classes));
    }

    /// <summary>The class of each sample: the largest output, or where there is one output by its sign 1 or 0.</summary>
    /// <param name="output">The model's, [n, classes], [n, classes, …], [n, 1] or [n].</param>
    /// <returns>Class numbers, [n] or [n, …].</returns>
    protected virtual Tensor Predict(Tensor output) => output.dim() > 1 && output.shape[1] > 1
        ? output.argmax(1)
        : output.flatten().gt(0).to(ScalarType.Int64);

    /// <summary>How many labels of a batch the model has right.</summary>
    protected virtual long CountCorrect(Tensor output, Tensor targets) => Predict(output).flatten().eq(targets.flatten()).sum().ToInt64();

    /// <summary>Measures what else is to be known of a batch: <c>sums.Add("top5_accuracy", hits, samples)</c>. What batches, and nodes, add up is divided in the end.</summary>
    /// <param name="output">The model's.</param>
    /// <param name="targets">The data set's.</param>
    /// <param name="sums">What is added to.</param>
    protected virtual void Measure(Tensor output, Tensor targets, MetricSums sums)
    {
    }

    private (TestMetrics Metrics, ClassCounts? Classes) Evaluate(DataLoader loader, Hyperparameters hyperparameters, CancellationToken cancellationToken)
    {
        using var noGradients = no_grad();
        using var loss = Losses.Create(hyperparameters.Loss, hyperparameters.LossParams);
        Model.eval();
        double sum = 0;
        long correct = 0, labels = 0, seen = 0;
        var isRegression = false;
        var sums = new MetricSums();
        ClassTally? tally = null;
        foreach (var batch in loader.Epoch())
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var output = Forward(batch.Samples);
            sum += Loss(output, batch.Targets, loss).ToDouble() * batch.Count;
            seen += batch.Count;
            isRegression = RegressionErrors.Apply(hyperparameters.Loss, batch.Targets);
            if (isRegression)
            {
                RegressionErrors.Add(output, batch.Targets, sums);
            }
            else
            {
                correct += CountCorrect(output, batch.Targets);
                // Fewer than 0 are no class: padding, and what losses leave out.
                labels += batch.Targets.ge(0).sum().ToInt64();
                tally ??= ClassTally.For(output);
                tally?.Add(Predict(output), batch.Targets);
            }
            Measure(output, batch.Targets, sums);
            Context.Report((double)seen / loader.Count);
        }
        var classes = tally?.Counts();
        return (TestMetrics.Of(isRegression ? null : (correct, labels), sum / seen, seen, classes, sums), classes);
    }
}
