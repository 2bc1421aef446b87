using MantaLight.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>A round's local training: epochs of batches, forward, loss, backward, step.</summary>
internal sealed class TrainingLoop(
    nn.Module model, Hyperparameters hyperparameters, AttemptContext context, Func<Tensor, Tensor> forward, Func<Tensor, Tensor, LossFunction, Tensor> lossOf,
    LossScript? script = null, LocalControl? control = null)
{
    /// <summary>Trains.</summary>
    /// <exception cref="TrainingDivergedException">The loss became NaN or infinite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, looked at before each batch.</exception>
    public TrainingOutcome Run(DataLoader loader, CancellationToken cancellationToken)
    {
        var started = context.Time.GetTimestamp();
        using var scope = NewDisposeScope();
        using var loss = Losses.Create(hyperparameters.Loss, hyperparameters.LossParams);
        Parameter[] parameters = [.. model.parameters()];
        using var optimizer = ParameterStep.For(hyperparameters, parameters, context.Threads);
        using var proximal = hyperparameters.ProximalMu > 0 ? new ProximalTerm(parameters, hyperparameters.ProximalMu) : null;
        using var scripted = proximal is null && control is null ? script?.StepFor(optimizer, parameters) : null;
        var initialRate = optimizer.LearningRate;

        var roundSteps = hyperparameters.Epochs * loader.Batches;
        double epochLoss = 0, rate = initialRate, firstRate = double.NaN;
        long step = 0;
        if (control is not null && hyperparameters.ControlOption == 1)
            control.TakeGradients(() => AddFullGradient(loader, parameters, loss, cancellationToken));
        model.train();
        for (var epoch = 0; epoch < hyperparameters.Epochs; epoch++)
        {
            double sum = 0;
            foreach (var batch in loader.Epoch())
            {
                cancellationToken.ThrowIfCancellationRequested();
                rate = hyperparameters.LrSchedule?.At(initialRate, context.Round, context.MaximumRounds, step, roundSteps) ?? initialRate;
                optimizer.LearningRate = rate;
                firstRate = double.IsNaN(firstRate) ? rate : firstRate;

                var value = Step(batch, parameters, optimizer, scripted, proximal, loss);
                if (!double.IsFinite(value))
                    throw new TrainingDivergedException($"The loss became {value} in epoch {epoch + 1}, batch {(step % loader.Batches) + 1}, at learning rate {rate}; a lower rate may help.");
                control?.Stepped(rate, optimizer.Momentum ?? 0);
                sum += value * batch.Count;
                step++;
                context.Report((double)step / roundSteps, hyperparameters.LocalPrivacy is null ? value : null);
            }
            epochLoss = sum / loader.Count;
        }
        Forget(parameters);
        return new TrainingOutcome(
            epochLoss, loader.Count, context.Time.GetElapsedTime(started).TotalSeconds, rate, step, LocalSteps.Normalizer(step, optimizer.Momentum, firstRate, hyperparameters.ProximalMu));
    }

    private double Step(Batch batch, Parameter[] parameters, ParameterStep optimizer, ScriptedStep? scripted, ProximalTerm? proximal, LossFunction loss)
    {
        using var scope = NewDisposeScope();
        if (scripted is not null)
            return scripted.Run(batch, optimizer.LearningRate).ToDouble();
        if (optimizer.Evaluating is { } evaluating)
        {
            // What counts is the first loss.
            double? first = null;
            evaluating.step(() =>
            {
                var again = Evaluate(batch, parameters, proximal, loss);
                first ??= again.ToDouble();
                return again;
            });
            return first ?? double.NaN;
        }
        var value = Evaluate(batch, parameters, proximal, loss);
        optimizer.Step();
        return value.ToDouble();
    }

    private Tensor Evaluate(Batch batch, Parameter[] parameters, ProximalTerm? proximal, LossFunction loss)
    {
        Forget(parameters);
        var value = script is null ? lossOf(forward(batch.Samples), batch.Targets, loss) : script.Compute(batch, parameters);
        value.backward();
        proximal?.AddGradients();
        control?.AddGradients();
        return value;
    }

    /// <summary>The gradient over all local data where the model is, as it is used: without dropout, by the running statistics of batch normalization.</summary>
    private void AddFullGradient(DataLoader loader, Parameter[] parameters, LossFunction loss, CancellationToken cancellationToken)
    {
        // Of a loss that sums up, a step's gradient is that of a whole batch.
        var isSum = hyperparameters.LossParams?.TryGetValue("reduction", out var reduction) == true && reduction.ValueEquals("sum");
        model.eval();
        Forget(parameters);
        foreach (var batch in loader.Epoch())
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var value = script is null ? lossOf(forward(batch.Samples), batch.Targets, loss) : script.Compute(batch, parameters);
            value.mul(isSum ? 1.0 / loader.Batches : (double)batch.Count / loader.Count).backward();
        }
    }

    // No gradient rather than a zero one: that saves a pass to clear it and one to add to it.
    private static void Forget(Parameter[] parameters)
    {
        foreach (var parameter in parameters)
            parameter.grad = null;
    }
}

/// <summary>What a round's training gave.</summary>
/// <param name="Loss">Mean loss over the last epoch, each batch before its step.</param>
/// <param name="Samples">Samples of the local data set.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="LearningRate">The last step's.</param>
/// <param name="Steps">How many there were.</param>
/// <param name="Normalizer">How far they reach, for FedNova.</param>
internal readonly record struct TrainingOutcome(double Loss, long Samples, double Seconds, double LearningRate, long Steps, double Normalizer);
