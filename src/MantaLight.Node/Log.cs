using Microsoft.Extensions.Logging;

namespace MantaLight.Node;

/// <summary>All log events of the host.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Swarm {Swarm}: round {Round} is kept as {Path}")]
    public static partial void CheckpointWritten(ILogger logger, string swarm, int round, string path);

    [LoggerMessage(2, LogLevel.Warning, "Swarm {Swarm}: there is no checkpoint of round {Round}: {Problem}")]
    public static partial void CheckpointFailed(ILogger logger, string swarm, int round, string problem);
}
