using System.Text.Json;
using MantaLight.Torch.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Privacy;

/// <summary>Finds the fastest way to samples' gradients that is exact for a model, and refuses a model of which no sample has a gradient of its own.</summary>
internal static class SampleGradients
{
    private const int Tried = 4;
    private const double Tolerance = 1e-3;

    // Losses whose mean over a batch is that of its samples' losses, with these parameters.
    private static readonly string[] SeparableLosses = ["CrossEntropyLoss", "NLLLoss", "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "BCELoss", "BCEWithLogitsLoss"];
    private static readonly string[] SeparableParams = ["reduction", "beta", "delta"];

    /// <summary>Makes one; dispose it when done.</summary>
    /// <param name="model">The model, in the mode in which it trains.</param>
    /// <param name="parameters">Its parameters that are trained.</param>
    /// <param name="work">What is computed.</param>
    /// <param name="loader">The data, of which some are tried.</param>
    /// <exception cref="TaskContractException">The model mixes samples.</exception>
    public static ISampleGradients For(nn.Module model, Parameter[] parameters, SampleWork work, DataLoader loader)
    {
        Refuse(model);
        var single = new MicroBatches(parameters, work.Forward, work.LossOf);
        if (!work.IsOwn || work.SumOf is not { } sum || LayerGradients.For(model, parameters, work.Forward, sum) is not { } layers)
            return single;
        if (Agree(model, single, layers, parameters, loader))
            return layers;
        layers.Dispose();
        return single;
    }

    /// <summary>The sum of a batch's losses by the batch's own; null where samples may share in what is divided by.</summary>
    public static Func<Tensor, Tensor, Tensor>? SumOf(Hyperparameters hyperparameters, Func<Tensor, Tensor, Tensor> lossOf)
    {
        var given = hyperparameters.LossParams ?? new Dictionary<string, JsonElement>();
        if (!SeparableLosses.Contains(hyperparameters.Loss) || given.Keys.Any(k => !SeparableParams.Contains(k)))
            return null;
        var isSum = given.TryGetValue("reduction", out var reduction) && reduction.ValueKind == JsonValueKind.String && reduction.GetString() == "sum";
        return isSum ? lossOf : (output, targets) => lossOf(output, targets).mul(targets.shape[0]);
    }

    private static void Refuse(nn.Module model)
    {
        foreach (var (name, module) in model.named_modules().Prepend(("", model)))
        {
            var type = module.GetType().Name;
            var tracks = type.StartsWith("InstanceNorm", StringComparison.Ordinal) && module.buffers(recurse: false).Any();
            if (type.Contains("BatchNorm", StringComparison.Ordinal) || tracks)
            {
                throw new TaskContractException(
                    $"'dp_sgd' is not possible with {type}{(name.Length > 0 ? $" ('{name}')" : "")}: it {(tracks ? "keeps numbers of samples that nothing clips" : "mixes the samples of a batch, so that none has a gradient of its own to clip")}. Take GroupNorm or LayerNorm.");
            }
        }
    }

    // A model may do with a batch whatever it likes; some samples, each alone and all together, show it.
    private static bool Agree(nn.Module model, MicroBatches single, LayerGradients layers, Parameter[] parameters, DataLoader loader)
    {
        using var scope = NewDisposeScope();
        var batch = loader.Pick([.. Enumerable.Range(0, (int)Math.Min(Tried, loader.Count)).Select(i => (long)i)]);
        var draws = DefaultGenerator.IsDrawnFromBy(model);
        if (draws)
            model.eval();
        try
        {
            Tensor[] one = Zeros(parameters), all = Zeros(parameters);
            double[] ofOne = single.AddTo(one, batch, 1), ofAll = layers.AddTo(all, batch, 1);
            using var noGradients = no_grad();
            return ofOne.Zip(ofAll).All(n => Math.Abs(n.First - n.Second) <= Tolerance * Math.Max(n.First, 1e-6))
                && one.Zip(all).All(s => s.First.sub(s.Second).abs().max().ToDouble() <= Tolerance);
        }
        catch (TaskContractException)
        {
            return false;
        }
        finally
        {
            if (draws)
                model.train();
        }
    }

    /// <summary>One for each parameter, in the open scope.</summary>
    public static Tensor[] Zeros(Parameter[] parameters)
    {
        using var noGradients = no_grad();
        return Array.ConvertAll(parameters, p => zeros(p.shape));
    }
}

/// <summary>What is computed of a batch.</summary>
/// <param name="Forward">The model's output.</param>
/// <param name="LossOf">The loss, one number.</param>
/// <param name="SumOf">The sum of the samples' losses, each of which depends on its sample alone; null where that is not known.</param>
/// <param name="IsOwn">Whether nothing of it is a user's own code but the model.</param>
internal sealed record SampleWork(Func<Tensor, Tensor> Forward, Func<Tensor, Tensor, Tensor> LossOf, Func<Tensor, Tensor, Tensor>? SumOf, bool IsOwn);
