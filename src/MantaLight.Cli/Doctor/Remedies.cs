using MantaLight.Torch;

namespace MantaLight.Cli.Doctor;

/// <summary>What to do about an error that was raised on purpose.</summary>
internal static class Remedies
{
    /// <summary>For what nobody has foreseen.</summary>
    public const string Unexpected = "This is not foreseen: run it again and, if it stays so, report it with this text.";

    public static string Of(MantaLightException error) => error switch
    {
        BrokerUnreachableException => "Start a broker there (mantalight broker), or name the one that there is: --broker, MANTALIGHT_BROKER, or Broker in appsettings.json.",
        BrokerRefusedException => "Correct the credentials (mqtt://user:password@host) or the broker's settings and access rules; broker/README.md says what they must allow.",
        BrokerConnectionLostException => "Look into the broker's log why it ended the connection, and run this again.",
        InvalidSettingException => "Correct the setting: README, 'Settings of a node'.",
        InvalidSwarmException => "Correct the definition where the message says.",
        ModuleException => "Build the module, and name its .dll or its project folder: --module PATH.",
        DatasetException => "It is damaged, or not what NumPy writes. Make it again, or copy it again.",
        TorchUnavailableException => "Restore the packages again (dotnet restore); README, 'Troubleshooting', says which systems need more.",
        _ => "Do what the message says, and run this again.",
    };
}
