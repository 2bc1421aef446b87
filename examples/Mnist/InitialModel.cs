using MantaLight.Torch;

namespace MantaLight.Examples.Mnist;

/// <summary>Makes the weights that the first round starts from, once, from the swarm's seed.</summary>
public sealed class InitialModel : TorchInitializer<MnistModel>;
