using MantaLight.Broker;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>The tool against an embedded broker on a free port, with a folder for its files.</summary>
public abstract class ToolOnBrokerTests : IAsyncLifetime
{
    private protected readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-cli-");
    private protected EmbeddedBroker broker = null!;

    private protected static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        broker = await EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = 0 }, NullLoggerFactory.Instance, TimeProvider.System, Cancelled);

    public async ValueTask DisposeAsync()
    {
        await broker.DisposeAsync();
        folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }
}
