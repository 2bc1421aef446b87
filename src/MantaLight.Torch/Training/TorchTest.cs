using MantaLight.Torch.Diagnostics;
using MantaLight.Torch.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>
/// Tests the global weights on the node's test data: adds the result <c>test_metrics</c> (accuracy 0 to 1, loss, samples,
/// correct).
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
        await LoadModelAsync(cancellationToken);
        using var loader = await Local.GetDataLoaderAsync(Dataset, train: false, BatchSize, seed: null, cancellationToken);
        var metrics = await TorchThread.RunAsync(() => Evaluate(loader, hyperparameters, cancellationToken), Context.Threads, cancellationToken);
        Log.Tested(Logger, metrics.Samples, metrics.Accuracy, metrics.Loss);
        World.Results.Add("test_metrics", metrics);
    }

    /// <summary>How many samples of a batch the model has right: by the largest output, or where there is one output by its sign.</summary>
    protected virtual long CountCorrect(Tensor output, Tensor targets)
    {
        var predicted = output.dim() > 1 && output.shape[1] > 1
            ? output.argmax(1)
            : output.flatten().gt(0).to(ScalarType.Int64);
        return predicted.eq(targets).sum().ToInt64();
    }

    private TestMetrics Evaluate(DataLoader loader, Hyperparameters hyperparameters, CancellationToken cancellationToken)
    {
        using var noGradients = no_grad();
        using var loss = Losses.Create(hyperparameters.Loss, hyperparameters.LossParams);
        Model.eval();
        double sum = 0;
        long correct = 0, seen = 0;
        foreach (var batch in loader.Epoch())
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var output = Forward(batch.Samples);
            sum += Loss(output, batch.Targets, loss).ToDouble() * batch.Count;
            correct += CountCorrect(output, batch.Targets);
            seen += batch.Count;
            Context.Report((double)seen / loader.Count);
        }
        return new TestMetrics((double)correct / seen, sum / seen, seen, correct);
    }
}

/// <summary>What a test gave.</summary>
/// <param name="Accuracy">0 to 1.</param>
/// <param name="Loss">The mean loss.</param>
/// <param name="Samples">Samples tested.</param>
/// <param name="Correct">How many of them were right.</param>
public sealed record TestMetrics(double Accuracy, double Loss, long Samples, long Correct);
