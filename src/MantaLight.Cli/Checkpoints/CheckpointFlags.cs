using System.CommandLine;
using MantaLight.Checkpoints;

namespace MantaLight.Cli.Checkpoints;

/// <summary>The flags of every command that keeps checkpoints, or begins with one.</summary>
internal sealed class CheckpointFlags
{
    /// <summary><c>--checkpoints DIR</c>.</summary>
    public Option<string?> Folder { get; } = new("--checkpoints")
    {
        Description = "Keeps the global of each round as DIR/SWARM-round-R.safetensors.",
        HelpName = "DIR",
    };

    /// <summary><c>--checkpoint-every K</c>.</summary>
    public Option<int?> Every { get; } = Number("--checkpoint-every", "Every how many rounds, and after the last one [default: 1]", "K");

    /// <summary><c>--keep-checkpoints N</c>.</summary>
    public Option<int?> Keep { get; } = Number("--keep-checkpoints", "Keeps the newest N [default: all]", "N");

    /// <summary><c>--resume-from FILE</c>.</summary>
    public static Option<string?> ResumeFrom() => new("--resume-from")
    {
        Description = "Goes on from a checkpoint: the first round is the one after its own, and setup does not run.",
        HelpName = "FILE",
    };

    /// <summary>What a command line says; null where it asks for no checkpoints.</summary>
    /// <exception cref="InvalidSettingException">It says how often or how many, but not where.</exception>
    public CheckpointOptions? Of(ParseResult parsed)
    {
        var (every, keep) = (parsed.GetValue(Every), parsed.GetValue(Keep));
        if (parsed.GetValue(Folder) is { } folder)
            return new CheckpointOptions { Folder = Path.GetFullPath(folder), Every = every ?? 1, Keep = keep };
        return every is null && keep is null
            ? null
            : throw new InvalidSettingException("--checkpoint-every and --keep-checkpoints need --checkpoints DIR, which says where.");
    }

    private static Option<int?> Number(string name, string description, string help)
    {
        var option = new Option<int?>(name) { Description = description, HelpName = help };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var n) && n < 1)
                result.AddError($"{name} {n} is not possible; at least 1 is.");
        });
        return option;
    }
}
