using MantaLight.Protocol;
using Microsoft.Extensions.Logging;

namespace MantaLight.Virtual;

/// <summary>A virtual node's task's logger: the host's, and the watcher's from warning up, a bounded number of records for each attempt.</summary>
internal sealed class VirtualTaskLogger(ILogger inner, Action<TaskLog> tell) : ILogger
{
    private const int MaximumRecords = 200;
    private const int MaximumText = 4000;

    private int records;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning || inner.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        inner.Log(logLevel, eventId, state, exception, formatter);
        if (logLevel < LogLevel.Warning || Interlocked.Increment(ref records) > MaximumRecords)
            return;
        var text = formatter(state, exception);
        tell(new TaskLog { Level = logLevel.ToString().ToLowerInvariant(), Text = text.Length <= MaximumText ? text : text[..MaximumText] });
    }
}
