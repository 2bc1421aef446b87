using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace MantaLight.Simulation;

/// <summary>What to hunt for, and where.</summary>
internal sealed record HuntArguments
{
    public const string Usage = """
        Usage: MantaLight.Simulation [--first-seed N] [--seeds M] [--threads T] [--mutation X] [--undisturbed] [--no-barriers] [--trace]
          --first-seed   the first seed (1)
          --seeds        how many histories (1000)
          --threads      how many at once (the number of processors)
          --mutation     breaks a rule: TermFromMemory, NoGrace, ActsAfterLoss, CommitsUnread, NoDedupe, NoRecordDedupe, ReadsWhatIsThere,
                         NeverDeletes
          --undisturbed  without faults
          --no-barriers  with swarms that have none
          --trace        prints what happened in each history

               MantaLight.Simulation --soak [--hours H] [--nodes N] [--first-seed S]
          --soak         one swarm that goes on for hours while a node fails every minute, instead of many histories
          --hours        how many, in virtual time (24)
          --nodes        how many nodes (20)
        """;

    public long FirstSeed { get; init; } = 1;

    public long Seeds { get; init; } = 1000;

    public int Threads { get; init; } = Environment.ProcessorCount;

    public Mutation Mutation { get; init; }

    public bool Undisturbed { get; init; }

    public bool NoBarriers { get; init; }

    public bool Trace { get; init; }

    /// <summary>Whether one swarm goes on for hours instead.</summary>
    public bool Soak { get; init; }

    public double Hours { get; init; } = 24;

    public int Nodes { get; init; } = 20;

    public bool Help { get; init; }

    public SoakSettings ToSoak() => new() { Duration = TimeSpan.FromHours(Hours), Nodes = Nodes, Seed = FirstSeed };

    public static bool TryRead(string[] args, out HuntArguments arguments, [NotNullWhen(false)] out string? problem)
    {
        (arguments, problem) = (new HuntArguments(), null);
        for (var i = 0; i < args.Length && problem is null; i++)
        {
            var value = args.ElementAtOrDefault(i + 1);
            switch (args[i])
            {
                case "--undisturbed":
                    arguments = arguments with { Undisturbed = true };
                    continue;
                case "--no-barriers":
                    arguments = arguments with { NoBarriers = true };
                    continue;
                case "--trace":
                    arguments = arguments with { Trace = true };
                    continue;
                case "--soak":
                    arguments = arguments with { Soak = true };
                    continue;
                case "--help":
                    arguments = arguments with { Help = true };
                    continue;
                case "--hours" when double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var hours) && hours is >= 0.1 and <= 10_000:
                    arguments = arguments with { Hours = hours };
                    break;
                case "--nodes" when Number(value, 2) is { } nodes:
                    arguments = arguments with { Nodes = (int)Math.Min(nodes, 100) };
                    break;
                case "--first-seed" when Number(value, 0) is { } first:
                    arguments = arguments with { FirstSeed = first };
                    break;
                case "--seeds" when Number(value, 1) is { } seeds:
                    arguments = arguments with { Seeds = seeds };
                    break;
                case "--threads" when Number(value, 1) is { } threads:
                    arguments = arguments with { Threads = (int)Math.Min(threads, 256) };
                    break;
                case "--mutation" when Enum.TryParse<Mutation>(value, ignoreCase: true, out var mutation):
                    arguments = arguments with { Mutation = mutation };
                    break;
                default:
                    problem = $"'{args[i]}{(value is null ? "" : $" {value}")}' is not understood.";
                    break;
            }
            i++;
        }
        return problem is null;
    }

    private static long? Number(string? text, long least) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least ? number : null;
}
