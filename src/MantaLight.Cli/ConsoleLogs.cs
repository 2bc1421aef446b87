using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace MantaLight.Cli;

/// <summary>How logs look on a console: one line each, with the time in UTC.</summary>
internal static class ConsoleLogs
{
    /// <summary>Logs of the nodes in this process, on standard error, so that standard output stays the command's own.</summary>
    public static ILoggerFactory ToError(LogLevel least) => LoggerFactory.Create(logging =>
    {
        logging.SetMinimumLevel(least).AddOneLine();
        logging.Services.Configure<ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
    });

    /// <summary>Adds a console with one line for each record.</summary>
    public static ILoggingBuilder AddOneLine(this ILoggingBuilder logging) => logging.AddSimpleConsole(options =>
    {
        options.SingleLine = true;
        options.UseUtcTimestamp = true;
        options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
    });
}
