using System.Collections.Concurrent;
using MantaLight.Messaging;

namespace MantaLight.Tests.Diagnostics;

/// <summary>A connection whose broker never answers a publish, nor a subscription beyond the first ones.</summary>
internal sealed class StuckConnection(int answered = 0) : IBrokerConnection
{
    private readonly ConcurrentDictionary<string, Action<BrokerMessage>> handlers = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource stuck = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when somebody waits for an answer.</summary>
    public Task Stuck => stuck.Task;

    public string ClientId => "stuck";

    public bool IsConnected => true;

    public string? Problem => null;

    public BrokerLimits Limits { get; } = new();

    public TrafficCounter Traffic { get; } = new();

    public void Deliver(string filter, BrokerMessage message) => handlers[filter](message);

    public IDisposable Watch(Action<ConnectionStatus> observer) => new Nothing();

    public async ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken) => await WaitAsync(cancellationToken);

    public async Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken)
    {
        handlers[filter] = handler;
        if (handlers.Count > answered)
            await WaitAsync(cancellationToken);
        return new Nothing();
    }

    public Task CloseAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Task WaitAsync(CancellationToken cancellationToken)
    {
        stuck.TrySetResult();
        return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
    }

    private sealed class Nothing : IDisposable, IAsyncDisposable
    {
        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
