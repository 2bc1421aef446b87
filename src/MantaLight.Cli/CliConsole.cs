using Spectre.Console;

namespace MantaLight.Cli;

/// <summary>
/// Where a command writes. On a terminal there are tables, colors and live progress (<see cref="Rich"/>); anything else, a
/// file or another program, gets plain lines.
/// </summary>
internal sealed class CliConsole(TextWriter output, TextWriter error, IAnsiConsole? rich = null, IAnsiConsole? richError = null)
{
    /// <summary>Standard output for plain lines.</summary>
    public TextWriter Out { get; } = output;

    /// <summary>Standard error.</summary>
    public TextWriter Error { get; } = error;

    /// <summary>The terminal behind standard output; null where it is none.</summary>
    public IAnsiConsole? Rich { get; } = rich;

    /// <summary>The console of this process.</summary>
    public static CliConsole OfProcess() => new(
        Console.Out,
        Console.Error,
        Console.IsOutputRedirected ? null : AnsiConsole.Console,
        Console.IsErrorRedirected ? null : AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }));

    /// <summary>Says what went wrong, in red where there are colors.</summary>
    public void WriteError(string message)
    {
        if (richError is not null)
            richError.Write(new Text($"error: {message}{Environment.NewLine}", new Style(Color.Red)));
        else
            Error.WriteLine($"error: {message}");
    }
}
