using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace MantaLight.Cli;

/// <summary>How logs look on a console: one line each, with the time in UTC.</summary>
internal static class ConsoleLogs
{
    /// <summary>Logs of the nodes in this process, on standard error, so that standard output stays the command's own.</summary>
    /// <param name="least">The least level that is shown.</param>
    /// <param name="nodes">The least level of the nodes themselves, where what they go through is shown in another way.</param>
    public static ILoggerFactory ToError(LogLevel least, LogLevel? nodes = null) => LoggerFactory.Create(logging =>
    {
        logging.SetMinimumLevel(least).AddOneLine().AddFilter("MantaLight.Nodes", nodes ?? least);
        logging.Services.Configure<ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
    });

    /// <summary>Adds a console with one line for each record.</summary>
    public static ILoggingBuilder AddOneLine(this ILoggingBuilder logging) => logging
        // What a host logs with a stack trace when it cannot start is told as the command's one message.
        .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
        .AddFilter("Microsoft.AspNetCore", LogLevel.Warning)
        .AddSimpleConsole(options =>
    {
        options.SingleLine = true;
        options.UseUtcTimestamp = true;
        options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
    });
}
