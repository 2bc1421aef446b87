using MantaLight.Statistics;
using MantaLight.Tables;
using MantaLight.Tasks;
using MantaLight.Torch.Training;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>What <see cref="TorchWorker{TModel}"/> and <see cref="TorchTest{TModel}"/> share.</summary>
/// <typeparam name="TModel">The model, from the attempt's scope, which disposes it.</typeparam>
[TaskOptions(typeof(TorchTaskOptions))]
public abstract class TorchTask<TModel>(TModel model) : SwarmTask
    where TModel : nn.Module<Tensor, Tensor>
{
    /// <summary>The model of this attempt.</summary>
    protected TModel Model { get; } = model;

    /// <summary>The data set's name on the node.</summary>
    /// <value>The option <c>dataset</c> of the task in the definition; without it <c>mnist</c>.</value>
    protected virtual string Dataset => TaskJson.Read<TorchTaskOptions>(Context.Options, $"options of {GetType().Name}").Dataset;

    /// <summary>The global that holds the hyper-parameters.</summary>
    /// <value>hyperparameters.</value>
    protected virtual string HyperparametersTag => "hyperparameters";

    /// <summary>The global that holds the weights.</summary>
    /// <value>global_model_params.</value>
    protected virtual string WeightsTag => "global_model_params";

    /// <summary>
    /// Whether the model draws from torch's default generator while it trains, as dropout does. Such attempts run one at
    /// a time in a process, from a seed of their own. Override it where a model draws without a module that shows it.
    /// </summary>
    protected virtual bool DrawsFromDefaultGenerator => DefaultGenerator.IsDrawnFromBy(Model);

    /// <summary>Reads the hyper-parameters; override it to read a derived record.</summary>
    protected virtual Task<Hyperparameters> GetHyperparametersAsync(CancellationToken cancellationToken) =>
        World.Globals.GetAsync<Hyperparameters>(HyperparametersTag, cancellationToken);

    /// <summary>
    /// The node's data to train or to test with: where the definition has a global <c>schema</c> the rows of a CSV file, standardised by the global <c>statistics</c> where there is one (see
    /// <see cref="TableDataset"/>); otherwise the arrays of an .npz file.
    /// </summary>
    protected virtual async Task<TensorDataset> GetDataAsync(bool train, CancellationToken cancellationToken)
    {
        var globals = World.Globals;
        if (!globals.Contains(TableDataset.SchemaTag))
            return await Local.GetTrainingDataAsync(Dataset, train, cancellationToken);
        var schema = await globals.GetAsync<TableSchema>(TableDataset.SchemaTag, cancellationToken);
        var statistics = globals.Contains(TableDataset.StatisticsTag) ? await globals.GetAsync<TableStatistics>(TableDataset.StatisticsTag, cancellationToken) : null;
        return TableDataset.From(await Local.GetTableAsync(Dataset, schema, cancellationToken), statistics, train);
    }

    /// <summary>The model's output for a batch.</summary>
    protected virtual Tensor Forward(Tensor samples) => Model.call(samples);

    /// <summary>The loss of a batch, one number.</summary>
    protected virtual Tensor Loss(Tensor output, Tensor targets, LossFunction loss) => loss.Compute(output, targets);

    private protected async Task<PersonalLayers?> LoadModelAsync(Hyperparameters hyperparameters, CancellationToken cancellationToken)
    {
        var personal = PersonalLayers.Of(Model, hyperparameters.Personal);
        using var weights = await World.Globals.GetWeightsAsync(WeightsTag, cancellationToken);
        if (personal is null)
            Model.Load(weights);
        else
            await personal.LoadAsync(weights, World, Local, WeightsTag, cancellationToken);
        return personal;
    }
}
