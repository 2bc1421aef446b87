using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Aggregation.Perturbation;
using MantaLight.Tasks;
using MantaLight.Torch.Augmentation;
using MantaLight.Torch.Training;

namespace MantaLight.Torch;

/// <summary>
/// What training is told, usually the global <c>hyperparameters</c>. Keys that it does not have are refused; derive from
/// it to have more.
/// </summary>
public record Hyperparameters : IJsonOnDeserialized
{
    /// <summary>Passes over the local data in each round; at least 1.</summary>
    /// <value>1.</value>
    public int Epochs { get; init; } = 1;

    /// <summary>Samples of a batch; at least 1.</summary>
    /// <value>32.</value>
    public int BatchSize { get; init; } = 32;

    /// <summary>The loss, one of <see cref="Losses.Names"/>.</summary>
    /// <value>CrossEntropyLoss.</value>
    public string Loss { get; init; } = "CrossEntropyLoss";

    /// <summary>The loss's parameters by PyTorch's names.</summary>
    public IReadOnlyDictionary<string, JsonElement>? LossParams { get; init; }

    /// <summary>The optimizer, one of <see cref="Optimizers.Names"/>; its state is fresh in each round.</summary>
    /// <value>SGD.</value>
    public string Optimizer { get; init; } = "SGD";

    /// <summary>The optimizer's parameters by PyTorch's names: <c>lr</c>, <c>momentum</c>, <c>weight_decay</c>, <c>betas</c>, …</summary>
    public IReadOnlyDictionary<string, JsonElement>? OptimizerParams { get; init; }

    /// <summary>The learning rate, where it is to replace that of <see cref="OptimizerParams"/>; above 0.</summary>
    /// <value>Null.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Lr { get; init; }

    /// <summary>FedProx's μ (Li et al. 2020): how strongly local weights are pulled back to the global ones; at least 0. Not with LBFGS.</summary>
    /// <value>0: not at all.</value>
    public double ProximalMu { get; init; }

    /// <summary>
    /// <c>scaffold</c>: steps are corrected by control variates (Karimireddy et al. 2020), for an aggregation by <c>scaffold</c>. With SGD alone; with a momentum, how far its steps reach takes the place of their number.
    /// </summary>
    /// <value>Null: none.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ControlVariates { get; init; }

    /// <summary>How a control variate is made: 1, the gradient over all local data at the global model, a pass more; 2, of what the steps come to.</summary>
    /// <value>2.</value>
    public int ControlOption { get; init; } = 2;

    /// <summary>
    /// The tensors that stay on their node, as in FedPer and FedBN: their names, in which <c>*</c> stands for any letters, as in <c>output.*</c>. Each node trains and tests its own, from the same first values.
    /// </summary>
    /// <value>Null: all are shared.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Personal { get; init; }

    /// <summary>
    /// The probability with which a worker takes part in a round, above 0 to 1, drawn by itself from the system's cryptographic generator: Poisson sampling, as accountants of differential privacy assume it. Who does
    /// not take part adds no result.
    /// </summary>
    /// <value>1: always.</value>
    public double Participation { get; init; } = 1;

    /// <summary>Workers that get less far than others in a round.</summary>
    /// <value>Null: all do all epochs.</value>
    public StragglerOptions? Stragglers { get; init; }

    /// <summary>Differential privacy of the node's single samples: clipped one by one, with noise on each step.</summary>
    /// <value>Null: none.</value>
    public DpSgdOptions? DpSgd { get; init; }

    /// <summary>Differential privacy of the node's whole contribution: what is sent is clipped and has noise on it, so that nobody need be trusted with more.</summary>
    /// <value>Null: none.</value>
    public LocalPrivacy? LocalPrivacy { get; init; }

    /// <summary>How the learning rate changes over all rounds.</summary>
    /// <value>Null: it stays.</value>
    public LearningRateSchedule? LrSchedule { get; init; }

    /// <summary>Random changes of the training images.</summary>
    /// <value>Null: none.</value>
    public AugmentationOptions? Augmentation { get; init; }

    /// <summary>The first weights: <c>default</c> (the modules' own), <c>he</c> (normal, fan-in) or <c>he_uniform</c>, with zero biases.</summary>
    /// <value>default.</value>
    public string Initialization { get; init; } = "default";

    /// <summary>The accuracy at which the swarm has converged, above 0 to 1.</summary>
    /// <value>Null: it runs its rounds.</value>
    public double? ValAccThreshold { get; init; }

    [JsonInclude]
    [JsonExtensionData]
    internal Dictionary<string, JsonElement>? Unknown { get; init; }

    /// <summary>The optimizer's parameters with <see cref="Lr"/> among them.</summary>
    internal IReadOnlyDictionary<string, JsonElement> EffectiveOptimizerParams
    {
        get
        {
            var values = new Dictionary<string, JsonElement>(OptimizerParams ?? new Dictionary<string, JsonElement>(), StringComparer.Ordinal);
            if (Lr is { } lr)
                values["lr"] = TaskJson.Write(lr);
            return values;
        }
    }

    /// <summary>What the privacy that is asked for does not do; null where there is nothing to say.</summary>
    internal string? PrivacyWeakness => DpSgd is { IsPrivate: false } ? "the draws of 'dp_sgd' are of the seed: not private, a reproducible run" : LocalPrivacy?.Weakness;

    /// <summary>Checks keys, names and ranges.</summary>
    /// <exception cref="JsonException">One is out of place; the message names it and what is known.</exception>
    public virtual void OnDeserialized()
    {
        KnownKeys.RefuseOthers(this, Unknown, "");
        Require(Epochs >= 1, $"epochs is {Epochs} where at least 1 is expected");
        Require(BatchSize >= 1, $"batch_size is {BatchSize} where at least 1 is expected");
        Require(Lr is null or (> 0 and < double.PositiveInfinity), $"lr is {Lr} where a number above 0 is expected");
        Require(ProximalMu is >= 0 and < double.PositiveInfinity, $"proximal_mu is {ProximalMu} where a number of at least 0 is expected");
        Require(ProximalMu == 0 || Optimizer != "LBFGS", "proximal_mu is not possible with LBFGS, whose line search looks at the loss alone; take another optimizer");
        Require(DpSgd is null || Optimizer != "LBFGS", "dp_sgd is not possible with LBFGS, which evaluates the loss of a batch as often as it likes; take another optimizer");
        Require(ControlOptions.Problem(this) is null, ControlOptions.Problem(this) ?? "");
        Require(Personal?.All(p => !string.IsNullOrWhiteSpace(p)) != false, "personal has an empty name where names of tensors are expected, such as 'output.*'");
        Require(Participation is > 0 and <= 1, $"participation is {Participation} where a probability above 0 and at most 1 is expected");
        Require(ValAccThreshold is null or (> 0 and <= 1), $"val_acc_threshold is {ValAccThreshold} where a number above 0 and at most 1 is expected");
        Require(Initialization is "default" or "he" or "he_uniform", $"initialization is '{Initialization}'; known are: default, he, he_uniform");
        try
        {
            Losses.Check(Loss, LossParams);
            Optimizers.Check(Optimizer, EffectiveOptimizerParams);
        }
        catch (TaskContractException e)
        {
            throw new JsonException(e.Message, e);
        }
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new JsonException(message + ".");
    }
}
