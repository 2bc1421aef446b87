using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MantaLight.Torch.Tests.Support;

/// <summary>1 x 8 x 8 images to three classes, in ways that show how samples' gradients are found.</summary>
internal static class PrivateModels
{
    public static Module<Tensor, Tensor> Make(string name)
    {
        var made = Of(name);
        LeakGuardAttribute.ParametersMade(made.parameters().Count());
        return made;
    }

    private static Module<Tensor, Tensor> Of(string name) => name switch
    {
        "perceptron" => Sequential(Flatten(), Linear(64, 16), ReLU(), Linear(16, 3, hasBias: false)),
        "convolution" => Sequential(Conv2d(1, 4, 3, padding: 1, stride: 2), ReLU(), Conv2d(4, 6, (2, 3), dilation: (2, 1), bias: false), ReLU(), Flatten(), Linear(24, 3)),
        "sequence" => Sequential(Flatten(1, 2), Linear(8, 5), Tanh(), Flatten(), Linear(40, 3)),
        "dropout" => Sequential(Flatten(), Linear(64, 16), Dropout(0.5), Linear(16, 3)),
        "in place" => Sequential(Flatten(), Linear(64, 16), ReLU(inplace: true), Linear(16, 3)),
        "normalized" => Sequential(Flatten(), Linear(64, 16), LayerNorm(16), Linear(16, 3)),
        "twice" => new Twice(),
        _ => new Mixing(),
    };

    // One layer's weights, used two times.
    private sealed class Twice : Module<Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.Linear first = Linear(64, 64);
        private readonly TorchSharp.Modules.Linear last = Linear(64, 3);

        public Twice()
            : base(nameof(Twice)) => RegisterComponents();

        public override Tensor forward(Tensor input) => last.call(first.call(first.call(input.flatten(1)).tanh()));
    }

    // What one sample gives depends on the others, which no layer shows.
    private sealed class Mixing : Module<Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.Linear last = Linear(64, 3);

        public Mixing()
            : base(nameof(Mixing)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            var x = input.flatten(1);
            return last.call(x.sub(x.mean([0], keepdim: true).mul(0.5)));
        }
    }
}
