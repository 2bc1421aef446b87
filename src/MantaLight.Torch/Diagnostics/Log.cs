using Microsoft.Extensions.Logging;

namespace MantaLight.Torch.Diagnostics;

/// <summary>All log events of the assembly.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Information,
        Message = "TorchSharp's native library asks for {Version}, which this system's libstdc++ lacks; loaded a copy with one symbol re-bound from {Path}")]
    public static partial void ReboundLibraryLoaded(ILogger logger, string version, string path);

    [LoggerMessage(EventId = 2, Level = LogLevel.Information,
        Message = "Trained {Samples} samples in {Seconds:F2} s, mean loss {Loss:F4}")]
    public static partial void Trained(ILogger logger, long samples, double seconds, double loss);

    [LoggerMessage(EventId = 3, Level = LogLevel.Information,
        Message = "Tested {Samples} samples: accuracy {Accuracy:P2}, loss {Loss:F4}")]
    public static partial void Tested(ILogger logger, long samples, double accuracy, double loss);

    [LoggerMessage(EventId = 4, Level = LogLevel.Information,
        Message = "Sits round {Round} out: it takes part with a probability of {Probability}")]
    public static partial void SitsOut(ILogger logger, int round, double probability);

    [LoggerMessage(EventId = 5, Level = LogLevel.Information,
        Message = "Drops out of round {Round}, as the hyper-parameter 'stragglers' has it")]
    public static partial void DropsOut(ILogger logger, int round);

    [LoggerMessage(EventId = 20, Level = LogLevel.Information,
        Message = "Tested {Samples} samples: loss {Loss:F4}")]
    public static partial void TestedLoss(ILogger logger, long samples, double loss);

    [LoggerMessage(EventId = 11, Level = LogLevel.Information,
        Message = "Sits round {Round} out: {Reason}")]
    public static partial void BudgetSpent(ILogger logger, int round, string reason);

    [LoggerMessage(EventId = 12, Level = LogLevel.Information,
        Message = "Trained {Samples} samples in private in {Seconds:F2} s")]
    public static partial void TrainedInPrivate(ILogger logger, long samples, double seconds);

    [LoggerMessage(EventId = 13, Level = LogLevel.Warning,
        Message = "Privacy: {Weakness}")]
    public static partial void WeakPrivacy(ILogger logger, string weakness);
}
