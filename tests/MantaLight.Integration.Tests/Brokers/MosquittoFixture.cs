namespace MantaLight.Integration.Tests.Brokers;

/// <summary>One mosquitto for all tests of a class.</summary>
public sealed class MosquittoFixture : IAsyncLifetime
{
    private MosquittoProcess? process;

    /// <summary>Its address; skips the test where mosquitto is not installed.</summary>
    public Uri Uri
    {
        get
        {
            Needs.That(process is not null, "mosquitto is not installed; install the package 'mosquitto' to run this test.");
            return process!.Uri;
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (MosquittoProcess.IsInstalled)
            process = await MosquittoProcess.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
            await process.DisposeAsync();
    }
}
