using MantaLight.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MantaLight.Examples.Readmission;

/// <summary>A small perceptron with two scores: not readmitted, readmitted.</summary>
public sealed class ReadmissionModel : Module<Tensor, Tensor>
{
    /// <summary>The features of a row: one for each number of the schema, and one for each value of a category. For a table of your own put its number here.</summary>
    public const int Features = 13;

    private readonly Linear hidden;
    private readonly Linear output;

    static ReadmissionModel() => TorchRuntime.EnsureLoaded();

    public ReadmissionModel()
        : base(nameof(ReadmissionModel))
    {
        hidden = Linear(Features, 16);
        output = Linear(16, 2);
        RegisterComponents();
    }

    public override Tensor forward(Tensor rows) => output.call(functional.relu(hidden.call(rows)));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            hidden.Dispose();
            output.Dispose();
        }
        base.Dispose(disposing);
    }
}

/// <summary>Makes its first weights.</summary>
public sealed class InitialModel : TorchInitializer<ReadmissionModel>;

/// <summary>Trains it on the hospital's own patients.</summary>
public sealed class Worker(ReadmissionModel model) : TorchWorker<ReadmissionModel>(model);
