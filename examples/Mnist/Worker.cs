using MantaLight.Torch;

namespace MantaLight.Examples.Mnist;

/// <summary>Trains the global weights on the digits that this node has.</summary>
public sealed class Worker(MnistModel model) : TorchWorker<MnistModel>(model);
