using System.CommandLine;
using MantaLight.Node;
using MantaLight.Protocol;

namespace MantaLight.Cli.Commands;

/// <summary>The flags of every command that talks to a broker.</summary>
internal static class BrokerFlags
{
    /// <summary>Where a broker is looked for when nothing is said.</summary>
    public const string DefaultBroker = "mqtt://127.0.0.1:1883";

    /// <summary>The cluster when nothing is said.</summary>
    public const string DefaultCluster = "local";

    /// <summary>What names the broker where no flag does.</summary>
    public const string BrokerVariable = NodeOptions.EnvironmentPrefix + "BROKER";

    /// <summary>What names the cluster where no flag does.</summary>
    public const string ClusterVariable = NodeOptions.EnvironmentPrefix + "CLUSTER";

    /// <summary>A setting from the environment, or else what counts when nothing is said.</summary>
    public static string FromEnvironment(string variable, string otherwise, Func<string, string?> environment) =>
        environment(variable) is { Length: > 0 } said ? said : otherwise;

    /// <summary><c>--broker</c> with a default.</summary>
    public static Option<string?> Broker() => new("--broker")
    {
        // The variable's value is not shown: it may have a password.
        Description = $"The broker: mqtt://, mqtts://, ws:// or wss://, host, port; user:password@ where it asks for them [default: {BrokerVariable}, or {DefaultBroker}]",
        HelpName = "URI",
    };

    /// <summary><c>--cluster</c> with a default.</summary>
    public static Option<string> Cluster()
    {
        var cluster = new Option<string>("--cluster")
        {
            Description = $"The cluster: a name space on the broker; that of {ClusterVariable} where nothing is said.",
            HelpName = "C",
            DefaultValueFactory = _ => FromEnvironment(ClusterVariable, DefaultCluster, Environment.GetEnvironmentVariable),
        };
        cluster.Validators.Add(result => CheckId(result.Tokens.Count == 1 ? result.Tokens[0].Value : null, "--cluster", result.AddError));
        return cluster;
    }

    /// <summary>An argument that is a swarm's id.</summary>
    public static Argument<string> SwarmId()
    {
        var id = new Argument<string>("id") { Description = "The swarm's id." };
        id.Validators.Add(result => CheckId(result.Tokens.Count == 1 ? result.Tokens[0].Value : null, "The swarm's id", result.AddError));
        return id;
    }

    /// <summary><c>--set path=value</c>, any number of times.</summary>
    public static Option<string[]> Set() => new("--set")
    {
        Description = "Changes a value below the definition's globals, for example hyperparameters.lr=0.02; may be repeated.",
        HelpName = "PATH=VALUE",
        AllowMultipleArgumentsPerToken = false,
    };

    /// <summary><c>--id</c> for a swarm.</summary>
    public static Option<string?> Id()
    {
        var id = new Option<string?>("--id") { Description = "The swarm's id [default: the definition's name]", HelpName = "ID" };
        id.Validators.Add(result => CheckId(result.Tokens.Count == 1 ? result.Tokens[0].Value : null, "--id", result.AddError));
        return id;
    }

    /// <summary>Reads a broker's address; that of the environment, or the default, where none is given.</summary>
    /// <exception cref="InvalidSettingException">It is none.</exception>
    public static Uri Parse(string? text) => Uri.TryCreate(text ??= FromEnvironment(BrokerVariable, DefaultBroker, Environment.GetEnvironmentVariable), UriKind.Absolute, out var uri)
        ? uri
        : throw new InvalidSettingException($"The broker's address '{text}' is not valid: it must be like {DefaultBroker}.");

    private static void CheckId(string? text, string what, Action<string> refuse)
    {
        if (text is not null && !Identifier.IsValid(text))
            refuse($"{what} '{text}' is not possible: {Identifier.Form} are expected.");
    }
}
