using System.Runtime.InteropServices;
using MantaLight.Aggregation.Noise;
using MantaLight.Tasks;
using MantaLight.Torch.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace MantaLight.Torch.Privacy;

/// <summary>
/// A round's local training by DP-SGD (Abadi et al. 2016, Algorithm 1): each step's gradient is (Σ g min(1, C/‖g‖) + N(0, (zC)²)) / B over samples that were drawn each by itself with a probability of B/n, with B the batch size
/// that is expected, whatever came. Any optimizer may go on from there, and so may a proximal term: they see only what is private already.
/// </summary>
internal sealed class PrivateTraining(nn.Module model, Hyperparameters hyperparameters, DpSgdOptions options, AttemptContext context)
{
    private const int Some = 8192;

    private readonly double[] noise = new double[Some];
    private readonly double[] values = new double[Some];

    /// <summary>Steps of a round: as many as there are batches.</summary>
    public static long StepsOf(Hyperparameters hyperparameters, DataLoader loader) => hyperparameters.Epochs * loader.Batches;

    /// <summary>Trains.</summary>
    /// <exception cref="TaskContractException">The model mixes samples, or has parameters of another type than float32.</exception>
    /// <exception cref="TrainingDivergedException">A gradient became NaN or infinite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, looked at before each batch.</exception>
    public TrainingOutcome Run(DataLoader loader, Func<Tensor, Tensor> forward, Func<Tensor, Tensor, LossFunction, Tensor> lossOf, bool isOwn, CancellationToken cancellationToken)
    {
        var started = context.Time.GetTimestamp();
        using var scope = NewDisposeScope();
        using var loss = Losses.Create(hyperparameters.Loss, hyperparameters.LossParams);
        Parameter[] all = [.. model.parameters()], parameters = [.. all.Where(p => p.requires_grad)];
        if (Array.Find(parameters, p => p.dtype != ScalarType.Float32) is { } other)
            throw new TaskContractException($"'dp_sgd' trains float32 parameters, and the model has one of {other.dtype}.");
        using var optimizer = ParameterStep.For(hyperparameters, all, context.Threads);
        using var proximal = hyperparameters.ProximalMu > 0 ? new ProximalTerm(all, hyperparameters.ProximalMu) : null;
        model.train();
        var buffers = model.buffers().Select(b => (Kept: b, Before: b.clone())).ToArray();
        Tensor LossOf(Tensor output, Tensor targets) => lossOf(output, targets, loss);
        using var gradients = SampleGradients.For(model, parameters, new SampleWork(forward, LossOf, SampleGradients.SumOf(hyperparameters, LossOf), isOwn), loader);

        var sums = SampleGradients.Zeros(parameters);
        var draw = new SampleDraw(loader.Count, loader.BatchSize);
        var steps = StepsOf(hyperparameters, loader);
        var (initialRate, rate, firstRate) = (optimizer.LearningRate, optimizer.LearningRate, double.NaN);
        for (long step = 0; step < steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            rate = hyperparameters.LrSchedule?.At(initialRate, context.Round, context.MaximumRounds, step, steps) ?? initialRate;
            optimizer.LearningRate = rate;
            firstRate = double.IsNaN(firstRate) ? rate : firstRate;
            Sum(gradients, loader, draw.Next(options.Source(context.Seed, Seeds.PrivateDraw, step)), sums, cancellationToken);
            AddNoise(sums, options.Source(context.Seed, Seeds.PrivateNoise, step), draw.Probability * loader.Count);
            for (var i = 0; i < sums.Length; i++)
                parameters[i].grad = sums[i];
            proximal?.AddGradients();
            optimizer.Step();
            // No loss: it would tell what nothing protects.
            context.Report((step + 1.0) / steps);
        }
        foreach (var parameter in all)
            parameter.grad = null;
        using (no_grad())
        {
            // What a model keeps of its samples besides is not protected, and does not leave.
            foreach (var (kept, before) in buffers)
                kept.copy_(before);
        }
        return new TrainingOutcome(
            double.NaN, loader.Count, context.Time.GetElapsedTime(started).TotalSeconds, rate, steps, LocalSteps.Normalizer(steps, optimizer.Momentum, firstRate, hyperparameters.ProximalMu));
    }

    private void Sum(ISampleGradients gradients, DataLoader loader, List<long> drawn, Tensor[] sums, CancellationToken cancellationToken)
    {
        using (no_grad())
        {
            foreach (var sum in sums)
                sum.zero_();
        }
        for (var first = 0; first < drawn.Count; first += gradients.Most)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            gradients.AddTo(sums, loader.Pick(CollectionsMarshal.AsSpan(drawn)[first..Math.Min(drawn.Count, first + gradients.Most)]), options.Clip);
        }
    }

    private void AddNoise(Tensor[] sums, NoiseSource source, double expected)
    {
        for (var array = 0; array < sums.Length; array++)
        {
            var elements = MemoryMarshal.Cast<byte, float>(sums[array].bytes);
            for (var first = 0; first < elements.Length; first += Some)
            {
                var some = elements[first..Math.Min(elements.Length, first + Some)];
                var n = noise.AsSpan(0, some.Length);
                var v = values.AsSpan(0, some.Length);
                source.Fill(n, array, first);
                TensorPrimitives.Multiply(n, options.Noise * options.Clip, n);
                TensorPrimitives.ConvertTruncating<float, double>(some, v);
                TensorPrimitives.Add<double>(n, v, v);
                TensorPrimitives.Divide(v, expected, v);
                for (var i = 0; i < v.Length; i++)
                    some[i] = (float)v[i];
            }
        }
    }
}
