using MantaLight.Tasks;
using MantaLight.Torch.Native;
using MantaLight.Torch.Training;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>
/// The setup task: makes the first weights from the attempt's seed and sets the global <c>global_model_params</c>. The
/// model is constructed here, alone in the process and with torch's default generator seeded, so that any module's own
/// initialization repeats bit for bit. The <c>personal</c> layers of the hyper-parameters become a global of their own, <c>global_model_params_personal</c>.
/// </summary>
/// <typeparam name="TModel">The model.</typeparam>
public abstract class TorchInitializer<TModel> : SwarmTask
    where TModel : nn.Module
{
    /// <summary>The global that holds the hyper-parameters, of which <c>initialization</c> is read, where there is one.</summary>
    /// <value>hyperparameters.</value>
    protected virtual string HyperparametersTag => "hyperparameters";

    /// <summary>The global to set.</summary>
    /// <value>global_model_params.</value>
    protected virtual string WeightsTag => "global_model_params";

    /// <summary>Reads the hyper-parameters; override it to read a derived record.</summary>
    protected virtual Task<Hyperparameters> GetHyperparametersAsync(CancellationToken cancellationToken) =>
        World.Globals.GetAsync<Hyperparameters>(HyperparametersTag, cancellationToken);

    /// <summary>Makes the model; override it where its constructor has parameters.</summary>
    protected virtual TModel CreateModel()
    {
        try
        {
            return Activator.CreateInstance<TModel>();
        }
        catch (MissingMethodException e)
        {
            throw new TaskContractException($"{typeof(TModel).Name} has no constructor without parameters; override CreateModel in {GetType().Name}.", e);
        }
    }

    /// <inheritdoc/>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        TorchRuntime.EnsureLoaded(Logger);
        var hyperparameters = World.Globals.Contains(HyperparametersTag) ? await GetHyperparametersAsync(cancellationToken) : null;
        var initialization = hyperparameters?.Initialization ?? "default";
        using var alone = await Context.RunAloneAsync(cancellationToken);
        using var model = await TorchThread.RunAsync(
            () =>
            {
                DefaultGenerator.Seed(Context.Seed);
                var made = CreateModel();
                if (initialization != "default")
                    Initialization.He(made, Context.Seed, uniform: initialization == "he_uniform");
                return made;
            },
            Context.Threads,
            cancellationToken);
        var personal = PersonalLayers.Of(model, hyperparameters?.Personal);
        using var weights = model.ToWeights(name => personal?.Contains(name) != true);
        World.Globals.SetWeights(WeightsTag, weights);
        if (personal is null)
            return;
        using var first = model.ToWeights(personal.Contains);
        World.Globals.SetWeights(PersonalLayers.TagOf(WeightsTag), first);
    }
}
