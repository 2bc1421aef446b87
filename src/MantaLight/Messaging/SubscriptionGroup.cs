namespace MantaLight.Messaging;

/// <summary>Subscriptions that end together.</summary>
internal sealed class SubscriptionGroup : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> subscriptions = [];

    public void Add(IAsyncDisposable subscription) => subscriptions.Add(subscription);

    public async ValueTask DisposeAsync()
    {
        foreach (var subscription in subscriptions)
            await subscription.DisposeAsync();
    }
}
