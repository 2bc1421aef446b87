using MantaLight.Torch;

namespace MantaLight.Examples.Mnist;

/// <summary>Tests the new global weights on the test digits that this node has.</summary>
public sealed class Test(MnistModel model) : TorchTest<MnistModel>(model);
