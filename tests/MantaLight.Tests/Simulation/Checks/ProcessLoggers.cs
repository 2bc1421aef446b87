using MantaLight.Diagnostics;
using Microsoft.Extensions.Logging;

namespace MantaLight.Simulation;

/// <summary>A process's log: attempts are counted by it, an error that no fault explains is a violation.</summary>
internal sealed class ProcessLoggers(SimulatedProcess process, AttemptCheck attempts) : ILoggerFactory
{
    private const int AttemptBegins = 300;
    private const int AttemptFailed = 302;

    private readonly Pen pen = new(process, attempts);

    public ILogger CreateLogger(string categoryName) => pen;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private sealed class Pen(SimulatedProcess process, AttemptCheck attempts) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (process.World.Trace.Writes)
                process.World.Trace.Write("log", $"{process.Name} {logLevel}: {formatter(state, exception)} {exception}");
            if (eventId.Id == AttemptBegins && state is IReadOnlyList<KeyValuePair<string, object?>> values)
                attempts.Begins(process.Name, (string)values[0].Value!);
            else if (logLevel >= LogLevel.Error && eventId.Id != AttemptFailed && process.IsAlive)
                process.World.Fail($"{process.Name} logged an error: {formatter(state, exception)} {exception}");
        }
    }
}
