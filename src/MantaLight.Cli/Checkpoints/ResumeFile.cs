using MantaLight.Checkpoints;
using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Cli.Checkpoints;

/// <summary>The checkpoint that a run goes on from.</summary>
internal static class ResumeFile
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Reads the file and checks that it is one of this swarm, with rounds left to run.</summary>
    /// <exception cref="CheckpointException">It is not; the message names the file and says what to do.</exception>
    public static async Task<Checkpoint> ReadAsync(string path, SwarmDefinition definition, CliConsole console, CancellationToken cancellationToken)
    {
        var checkpoint = await Checkpoint.ReadAsync(path, cancellationToken);
        var info = checkpoint.Info;
        if (info.Name != definition.Name || info.Module != definition.Module)
            throw No(checkpoint, $"it is of the swarm '{info.Name}' with the module {info.Module}, and this one is '{definition.Name}' with {definition.Module}. Take a checkpoint of this swarm, or the definition of that one.");
        if (info.Round >= definition.Rounds.Maximum)
            throw No(checkpoint, $"it is of round {info.Round}, and the last round is {definition.Rounds.Maximum}: nothing is left to run. Raise rounds.maximum (`run --rounds R`), or take a checkpoint of an earlier round.");
        if (info.FromAlias is { } alias && definition.Tasks.All(t => t.Alias != alias))
            throw No(checkpoint, $"its next round starts from '{alias}', which is no task of this definition. Take the definition that it was made with.");
        if (info.Seed != definition.Seed)
            console.Out.WriteLine($"Note: the checkpoint was made with the seed {info.Seed}, and this run has {definition.Seed}: its rounds will not be those of that run.");
        return checkpoint;
    }

    /// <summary>Refuses to begin beside a run of the same id, which clears its own blobs.</summary>
    /// <exception cref="CheckpointException">It is under way.</exception>
    public static void RequireEnded(SwarmState? state, SwarmClient client, Checkpoint checkpoint)
    {
        if (state is not null && !state.Status.IsFinal())
            throw No(checkpoint, $"swarm '{state.Swarm}' is {Texts.Snake(state.Status)} on {client.Broker} (round {state.Round}). Stop it first (mantalight swarm stop {state.Swarm}), or deploy with another --id.");
    }

    /// <summary>Puts its globals on the broker; the definition that begins with them.</summary>
    public static async Task<SwarmDefinition> PublishAsync(
        Checkpoint checkpoint, SwarmDefinition definition, SwarmClient client, string swarm, CancellationToken cancellationToken)
    {
        // The coordinator of an earlier run clears blobs that may have the same names, and says goodbye when it has done so.
        await client.WaitForGoodbyeAsync(swarm, Patience, cancellationToken);
        var start = await client.PublishStartAsync(swarm, checkpoint, cancellationToken);
        return SwarmJson.Validate(definition with { Start = start });
    }

    private static CheckpointException No(Checkpoint checkpoint, string why) => new($"This run cannot go on from {checkpoint.Path}: {why}");
}
