using MantaLight.Torch;

namespace MantaLight.Examples.NextCharacter;

/// <summary>Makes the weights that the first round starts from, once, from the swarm's seed.</summary>
public sealed class InitialModel : TorchInitializer<CharacterModel>;

/// <summary>Trains the global weights on what this node's speakers say. The loss of a window is the mean over its characters.</summary>
public sealed class Worker(CharacterModel model) : TorchWorker<CharacterModel>(model)
{
    /// <inheritdoc/>
    protected override string Dataset => TextGenerator.Name;

    /// <summary>An LSTM draws for dropout between its layers, and this one has a single layer: workers of one process need not wait for each other.</summary>
    protected override bool DrawsFromDefaultGenerator => false;
}

/// <summary>Tests the new global weights on the last fifth of what this node's speakers say: how often the likeliest character is the one that comes.</summary>
public sealed class Test(CharacterModel model) : TorchTest<CharacterModel>(model)
{
    /// <inheritdoc/>
    protected override string Dataset => TextGenerator.Name;

    /// <inheritdoc/>
    protected override int BatchSize => 100;
}
