using System.Reflection;
using MantaLight.Torch.Tests.Support;
using Xunit.v3;

// Torch's count of live tensors is the process's, so tests run one after the other, each between two looks at it.
[assembly: Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: LeakGuard]

namespace MantaLight.Torch.Tests.Support;

/// <summary>Fails a test that leaves more live tensors than it found. It does not collect garbage first: finalizers are no owners.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class LeakGuardAttribute : BeforeAfterTestAttribute
{
    private static long artifacts;
    private long before;

    /// <summary>Parameters count twice in TorchSharp (the tensor that becomes one is never counted off): told by the models of tests.</summary>
    public static void ParametersMade(long count) => Interlocked.Add(ref artifacts, count);

    /// <summary>The constructors of TorchSharp's convolutions and LSTM leave some tensors to their finalizers: for tests that make models of them.</summary>
    public static void CollectWhatTorchSharpLeaves()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    public static long LiveTensors
    {
        get
        {
            TorchRuntime.EnsureLoaded();
            return TorchSharp.torch.Tensor.TotalCount - Interlocked.Read(ref artifacts);
        }
    }

    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        // What earlier code left to finalizers must not be taken for this test's tidiness.
        CollectWhatTorchSharpLeaves();
        before = LiveTensors;
    }

    public override void After(MethodInfo methodUnderTest, IXunitTest test) =>
        Assert.True(LiveTensors <= before, $"{LiveTensors - before} tensors are still alive after {methodUnderTest.Name}.");
}
