using MantaLight.Cli;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>A command line run through the program's real entry, with what it wrote.</summary>
internal sealed record CliRun(int Code, string Output, string Error)
{
    public static Task<CliRun> OfAsync(params string[] arguments) => OfAsync(arguments, TestContext.Current.CancellationToken);

    public static async Task<CliRun> OfAsync(string[] arguments, CancellationToken cancellationToken)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        // Writers that several tasks may use, as the console's are.
        var console = new CliConsole(TextWriter.Synchronized(output), TextWriter.Synchronized(error));
        var code = await CommandLine.InvokeAsync(arguments, console, cancellationToken);
        return new CliRun(code, output.ToString(), error.ToString());
    }
}
