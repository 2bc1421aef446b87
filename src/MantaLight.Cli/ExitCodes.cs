namespace MantaLight.Cli;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>Tried and failed, for example a swarm that did not complete.</summary>
    public const int Failure = 1;

    /// <summary>The command line, a definition or a setting cannot be.</summary>
    public const int Usage = 2;

    /// <summary>What it needs is not to be had: the broker, the data, a free id.</summary>
    public const int Environment = 3;

    /// <summary>Cancelled from outside (Ctrl-C), as shells count it.</summary>
    public const int Cancelled = 130;

    /// <summary>The code for an error that was raised on purpose.</summary>
    public static int Of(MantaLightException error) => error switch
    {
        InvalidSwarmException or InvalidSettingException or ModuleException or CheckpointException => Usage,
        DatasetException or BrokerUnreachableException or BrokerRefusedException or BrokerConnectionLostException
            or NodeIdTakenException => Environment,
        _ => Failure,
    };
}
