using System.CommandLine;
using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight swarm</c>: swarms on a broker.</summary>
internal static class SwarmCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliConsole console) => new("swarm", "Deploy, watch and steer swarms on a broker.")
    {
        SwarmDeployCommand.Create(console),
        SwarmListCommand.Create(console),
        SwarmShowCommand.Create(console),
        SwarmWatchCommand.Create(console),
        SwarmControlCommand.Start(console),
        SwarmControlCommand.Pause(console),
        SwarmControlCommand.Resume(console),
        SwarmControlCommand.Stop(console),
        SwarmRemoveCommand.Create(console),
    };

    /// <summary>Says what a command waits for that waits for a coordinator.</summary>
    public static void TellWait(CliConsole console, string swarm, SwarmState? last) => console.Out.WriteLine("Waiting: " + last switch
    {
        { Status: RunStatus.Removing } => $"what swarm '{swarm}' has on the broker is being cleared; a node must be online for that",
        { Waiting: { } waiting } when !last.Status.IsFinal() => Texts.Line(waiting),
        _ => $"nobody has answered for swarm '{swarm}' yet; a node must be online to coordinate it, and a successor takes up to 30 s",
    });

    /// <summary>A command that works on a broker over one connection.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="description">What it does.</param>
    /// <param name="symbols">Its own arguments and options.</param>
    /// <param name="action">What it does with the connection.</param>
    public static Command OnBroker(
        string name, string description, IEnumerable<Symbol> symbols, Func<ParseResult, SwarmClient, CancellationToken, Task<int>> action)
    {
        var broker = BrokerFlags.Broker();
        var cluster = BrokerFlags.Cluster();
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
                command.Add(argument);
            else
                command.Add((Option)symbol);
        }
        command.Add(broker);
        command.Add(cluster);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var client = await SwarmClient.ConnectAsync(
                BrokerFlags.Parse(parsed.GetValue(broker)), parsed.GetValue(cluster)!, TimeProvider.System, cancellationToken);
            return await action(parsed, client, cancellationToken);
        });
        return command;
    }
}
