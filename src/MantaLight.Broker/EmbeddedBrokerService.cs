using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MantaLight.Broker;

/// <summary>Ties the broker's life to the host's.</summary>
internal sealed class EmbeddedBrokerService(IOptions<EmbeddedBrokerOptions> options, ILoggerFactory loggers, TimeProvider time) : IHostedService
{
    private EmbeddedBroker? broker;

    public async Task StartAsync(CancellationToken cancellationToken) =>
        broker = await EmbeddedBroker.StartAsync(options.Value, loggers, time, cancellationToken);

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (broker is not null)
            await broker.DisposeAsync();
    }
}
