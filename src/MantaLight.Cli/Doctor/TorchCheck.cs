using System.Globalization;
using MantaLight.Torch;
using TorchSharp;

namespace MantaLight.Cli.Doctor;

/// <summary>Whether libtorch loads and computes.</summary>
internal sealed class TorchCheck(TimeProvider time)
{
    public async IAsyncEnumerable<Finding> RunAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        yield return Load();
    }

    private Finding Load()
    {
        try
        {
            var began = time.GetTimestamp();
            TorchRuntime.EnsureLoaded();
            using var numbers = torch.ones(1000);
            using var sum = numbers.sum();
            return sum.item<float>() == 1000
                ? Finding.Ok("torch", "libtorch", string.Create(CultureInfo.InvariantCulture, $"libtorch {torch.__version__} loads and computes ({time.GetElapsedTime(began).TotalSeconds:0.0} s)"))
                : Finding.Problem("torch", "libtorch", "the sum of 1000 ones is not 1000", "The library or the machine's memory is damaged. Restore the packages again.");
        }
        catch (TorchUnavailableException e)
        {
            return Finding.Problem("torch", "libtorch", e.Message, Remedies.Of(e));
        }
    }
}
