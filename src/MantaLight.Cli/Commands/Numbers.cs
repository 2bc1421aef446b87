using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace MantaLight.Cli.Commands;

/// <summary>Options that are numbers within a range.</summary>
internal static class Numbers
{
    /// <summary>An option that is a whole number.</summary>
    public static Option<int?> Option(string name, string description, int least, int most)
    {
        var option = new Option<int?>(name) { Description = description, HelpName = "N" };
        option.Validators.Add(result => Check(result, least, most));
        return option;
    }

    /// <summary>Refuses a number that is out of its range.</summary>
    public static void Check(OptionResult result, int least, int most)
    {
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out var n) && (n < least || n > most))
            result.AddError($"{result.Option.Name} {n} is not possible; {least} to {most} are.");
    }

    /// <summary>Refuses what is no part of one.</summary>
    public static void CheckFraction(OptionResult result)
    {
        if (result.Tokens.Count == 1 && double.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out var f) && f is not (> 0 and <= 1))
            result.AddError($"{result.Option.Name} {result.Tokens[0].Value} is not possible; above 0 and at most 1 is.");
    }
}
