using System.CommandLine;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight swarm start|pause|resume|stop</c>: what an owner can ask a coordinator for.</summary>
internal static class SwarmControlCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Runs an ended swarm again.</summary>
    public static Command Start(CliConsole console) => Create(
        console, "start", "Run a swarm's definition again after it has ended.", SwarmAction.Start,
        possible: s => s.Status.IsFinal() && !s.Status.IsRemoval(), done: (before, s) => s.Start > before.Start);

    /// <summary>Holds a swarm.</summary>
    public static Command Pause(CliConsole console) => Create(
        console, "pause", "Schedule nothing new until the swarm is resumed; what runs goes on.", SwarmAction.Pause,
        possible: s => !s.Status.IsFinal() && s.Status != RunStatus.Paused, done: (_, s) => s.Status == RunStatus.Paused || s.Status.IsFinal());

    /// <summary>Lets a swarm go on.</summary>
    public static Command Resume(CliConsole console) => Create(
        console, "resume", "Let a paused swarm go on, or one that was stopped or has failed, from its last commit.", SwarmAction.Resume,
        possible: s => s.Status is RunStatus.Paused or RunStatus.Starting || s.Status.CanGoOn(),
        done: (before, s) => before.Status.IsFinal() ? s.Start > before.Start : s.Status != RunStatus.Paused);

    /// <summary>Ends a swarm.</summary>
    public static Command Stop(CliConsole console) => Create(
        console, "stop", "End a swarm; what runs is given up, the last globals stay.", SwarmAction.Stop,
        possible: s => !s.Status.IsFinal(), done: (_, s) => s.Status.IsFinal());

    private static Command Create(
        CliConsole console, string name, string description, SwarmAction action, Predicate<SwarmState> possible, Func<SwarmState, SwarmState, bool> done)
    {
        var id = BrokerFlags.SwarmId();
        return SwarmCommand.OnBroker(name, description, [id], async (parsed, client, cancellationToken) =>
        {
            var swarm = parsed.GetValue(id)!;
            var before = await client.StateAsync(swarm, cancellationToken) ?? throw await SwarmShowCommand.MissingAsync(client, swarm, cancellationToken);
            if (!possible(before))
                throw new InvalidSettingException($"Swarm '{swarm}' is {Texts.Snake(before.Status)}, so it cannot be asked to {name}.");
            await client.ControlAsync(swarm, action, cancellationToken);
            var after = await client.WaitForStateAsync(swarm, s => done(before, s), Patience, cancellationToken, last => SwarmCommand.TellWait(console, swarm, last));
            if (after is null)
            {
                console.WriteError($"Swarm '{swarm}' has not answered within {Patience.TotalSeconds:F0} s. A node must be online to coordinate it; see `mantalight status`, then try again.");
                return ExitCodes.Environment;
            }
            console.Out.WriteLine($"Swarm {swarm}: {Texts.Snake(after.Status)}{(after.Reason is { } reason ? $" ({Texts.Line(reason)})" : "")}");
            return ExitCodes.Success;
        }).WithExamples($"mantalight swarm {name} mnist");
    }
}
