using System.CommandLine;
using MantaLight.Attacks;

namespace MantaLight.Cli.Commands;

/// <summary>Byzantine participants: <c>--attack sign_flip:4 --attackers 2</c>.</summary>
internal sealed class AttackFlags
{
    /// <summary>What they send.</summary>
    public Option<string?> Attack { get; } = new("--attack")
    {
        Description = $"What byzantine participants do in place of their work: {ContributionAttack.Allowed} [default: all are honest]", HelpName = "ATTACK",
    };

    /// <summary>How many they are.</summary>
    public Option<int?> Attackers { get; } = new("--attackers") { Description = "How many participants are byzantine, the last ones [default: 1 with --attack]", HelpName = "N" };

    /// <summary>Who attacks how; null where nobody does.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="participants">How many take part.</param>
    /// <exception cref="InvalidSettingException">It is no attack, or there are not so many participants.</exception>
    public Attackers? Of(ParseResult parsed, int participants)
    {
        var count = parsed.GetValue(Attackers);
        if (parsed.GetValue(Attack) is not { } text)
            return count is null ? null : throw new InvalidSettingException("--attackers says how many attack, and nothing says how: add --attack, such as --attack sign_flip:4.");
        return (count ?? 1) is >= 1 and var some && some <= participants
            ? new Attackers(ContributionAttack.Parse(text, participants, some), participants - some)
            : throw new InvalidSettingException($"--attackers {count} is not possible; 1 to {participants} are.");
    }
}

/// <summary>Who is byzantine.</summary>
/// <param name="Attack">What they send.</param>
/// <param name="First">The number of the first of them; all after it are too.</param>
internal sealed record Attackers(ContributionAttack Attack, int First)
{
    /// <summary>What a participant sends in place of its weights; null where it is honest.</summary>
    public ContributionAttack? Of(int number) => number >= First ? Attack : null;
}
