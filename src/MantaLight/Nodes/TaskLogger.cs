using MantaLight.Messaging;
using MantaLight.Protocol;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>A task's logger: the host's, and the swarm's <c>logs/{node}</c> from information up, a bounded number of records for each attempt.</summary>
internal sealed class TaskLogger(ILogger inner, Outbox outbox, string topic, ScheduleAttempt schedule, Func<bool> isOver) : ILogger
{
    private const int MaximumRecords = 200;
    private const int MaximumText = 4000;

    private int records;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information || inner.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        inner.Log(logLevel, eventId, state, exception, formatter);
        if (logLevel < LogLevel.Information || isOver() || Interlocked.Increment(ref records) > MaximumRecords)
            return;
        var text = formatter(state, exception);
        outbox.Send(topic, new TaskLog
        {
            Run = schedule.Run,
            Round = schedule.Round,
            Alias = schedule.Alias,
            Level = logLevel.ToString().ToLowerInvariant(),
            Text = text.Length <= MaximumText ? text : text[..MaximumText],
        }, Delivery.AtMostOnce);
    }
}
