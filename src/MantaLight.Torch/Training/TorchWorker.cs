using System.Buffers.Binary;
using System.Reflection;
using System.Security.Cryptography;
using MantaLight.Aggregation.Controls;
using MantaLight.Aggregation.Perturbation;
using MantaLight.Tasks;
using MantaLight.Torch.Augmentation;
using MantaLight.Torch.Diagnostics;
using MantaLight.Torch.Native;
using MantaLight.Torch.Privacy;
using MantaLight.Torch.Training;
using MantaLight.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>
/// Trains the global weights on the node's data: reads the globals <c>hyperparameters</c> and <c>global_model_params</c>,
/// adds the results <c>train_metrics</c> (loss, samples, seconds, samples_per_second, learning_rate, steps, normalizer) and
/// <c>model_params</c>. Optimizer state is fresh in each round. The hyper-parameters' <c>personal</c> layers and <c>control_variates</c> stay on the node.
/// </summary>
/// <typeparam name="TModel">The model, from the attempt's scope, which disposes it.</typeparam>
public abstract class TorchWorker<TModel>(TModel model) : TorchTask<TModel>(model)
    where TModel : nn.Module<Tensor, Tensor>
{
    /// <summary>
    /// TorchScript in place of <see cref="TorchTask{TModel}.Forward"/> and <see cref="TorchTask{TModel}.Loss"/> while training, with the parameters in the
    /// module's order. It defines one of these, or both:
    /// <c>def loss(samples: Tensor, targets: Tensor, parameters: List[Tensor]) -> Tensor</c>, the loss, for any optimizer;
    /// <c>def step(samples: Tensor, targets: Tensor, parameters: List[Tensor], velocities: List[Tensor], rate: float, momentum: float) -> Tensor</c>, a whole
    /// step of SGD without autograd: it moves parameters and velocities (zero at first) in place, and returns the loss from before. That one is taken where
    /// the optimizer is SGD with a rate and a momentum alone.
    /// Try it where it is written: torch ends the process at a script that calls what there is not.
    /// </summary>
    /// <value>Null: the module is called.</value>
    protected virtual string? Script => null;

    private const string ResultTag = "model_params";

    /// <inheritdoc/>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        TorchRuntime.EnsureLoaded(Logger);
        var hyperparameters = await GetHyperparametersAsync(cancellationToken);
        if (!TakesPart(hyperparameters.Participation))
        {
            Log.SitsOut(Logger, Context.Round, hyperparameters.Participation);
            return;
        }
        if (hyperparameters.Stragglers is { } stragglers)
        {
            if (stragglers.EpochsOf(hyperparameters.Epochs, Context.Seed) is not { } epochs)
            {
                Log.DropsOut(Logger, Context.Round);
                return;
            }
            hyperparameters = hyperparameters with { Epochs = epochs };
        }
        var personal = await LoadModelAsync(hyperparameters, cancellationToken);
        using var variate = hyperparameters.ControlVariates is null ? null : await ControlVariate.BeginAsync(World, Local, Context, ResultTag, WeightsTag, cancellationToken);
        using var control = variate is null ? null : new LocalControl(Model, name => personal?.Contains(name) != true, variate.Global, variate.Own);
        using var loader = await CreateLoaderAsync(hyperparameters, cancellationToken);
        var privacy = RoundPrivacy.Begin(hyperparameters, Local.Privacy, Dataset, loader, Model.FloatElements());
        if (privacy is not null && hyperparameters.PrivacyWeakness is { } weakness && Context.Round <= 1)
            Log.WeakPrivacy(Logger, weakness);
        if (privacy?.SitsOut is { } reason)
        {
            Log.BudgetSpent(Logger, Context.Round, reason);
            World.Results.Add("train_metrics", privacy.Among(new { }));
            return;
        }

        var script = Script is { } text ? LossScript.Of(text) : null;
        var draws = DrawsFromDefaultGenerator;
        TrainingOutcome outcome;
        using (draws ? await Context.RunAloneAsync(cancellationToken) : null)
        {
            outcome = await TorchThread.RunAsync(
                () =>
                {
                    if (hyperparameters.DpSgd is null)
                        script?.WarmUp(loader, [.. Model.parameters()]);
                    if (draws)
                        DefaultGenerator.Seed(Context.Seed);
                    if (hyperparameters.DpSgd is { } dp)
                        return new PrivateTraining(Model, hyperparameters, dp, Context).Run(loader, Forward, Loss, IsOwn, cancellationToken);
                    return new TrainingLoop(Model, hyperparameters, Context, Forward, Loss, script, control).Run(loader, cancellationToken);
                },
                Context.Threads,
                cancellationToken);
        }

        if (privacy is null)
            Log.Trained(Logger, outcome.Samples, outcome.Seconds, outcome.Loss);
        else
            Log.TrainedInPrivate(Logger, outcome.Samples, outcome.Seconds);
        var metrics = new
        {
            Loss = privacy is null ? outcome.Loss : 0,
            outcome.Samples,
            outcome.Seconds,
            SamplesPerSecond = outcome.Samples * hyperparameters.Epochs / Math.Max(outcome.Seconds, 1e-9),
            outcome.LearningRate,
            outcome.Steps,
            outcome.Normalizer,
        };
        if (privacy is null)
            World.Results.Add("train_metrics", metrics);
        else
            World.Results.Add("train_metrics", privacy.Among(metrics));
        using var trained = Model.ToWeights(name => personal?.Contains(name) != true);
        using var perturbed = hyperparameters.LocalPrivacy is { } local ? await PerturbAsync(local, trained, cancellationToken) : null;
        var weights = perturbed ?? trained;
        World.Results.Add(ResultTag, weights, outcome.Samples);
        if (personal is not null)
        {
            using var own = Model.ToWeights(personal.Contains);
            Local.State.SetWeights(PersonalLayers.TagOf(WeightsTag), own);
        }
        if (control is null)
            return;
        var (next, difference) = control.Finish();
        using (next)
        using (difference)
            variate!.End(next, difference, outcome.Samples);
    }

    private async Task<NamedArrays> PerturbAsync(LocalPrivacy local, NamedArrays trained, CancellationToken cancellationToken)
    {
        using var before = await World.Globals.GetWeightsAsync(WeightsTag, cancellationToken);
        return local.Apply(before, trained, Context.Seed);
    }

    // Whether a sample's loss is known to depend on nothing but that sample.
    private bool IsOwn => IsOfTask(nameof(Forward)) && IsOfTask(nameof(Loss));

    private bool IsOfTask(string method) =>
        GetType().GetMethod(method, BindingFlags.Instance | BindingFlags.NonPublic)?.DeclaringType is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(TorchTask<>);

    // Not of the attempt's seed, which anybody can work out: who takes part is a secret that privacy is counted by.
    private static bool TakesPart(double probability) =>
        probability >= 1 || (BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong))) >> 11) * (1.0 / (1UL << 53)) < probability;

    /// <summary>The training batches: shuffled and, where the hyper-parameters ask for it, augmented.</summary>
    protected virtual async Task<DataLoader> CreateLoaderAsync(Hyperparameters hyperparameters, CancellationToken cancellationToken)
    {
        var data = await GetDataAsync(train: true, cancellationToken);
        ImageAugmenter? augmenter = null;
        if (hyperparameters.Augmentation is { IsOn: true } options)
        {
            var shape = data.Samples.shape;
            if (shape.Length < 3)
                throw new DatasetException($"Augmentation needs images, [n, height, width] or [n, channels, height, width]; data set '{Dataset}' has [{string.Join(", ", shape)}].");
            augmenter = new ImageAugmenter(options, shape[^2], shape[^1], Context.Seed);
        }
        return new DataLoader(data, hyperparameters.BatchSize, Context.Seed, augmenter);
    }
}
