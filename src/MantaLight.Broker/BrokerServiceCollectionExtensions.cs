using MantaLight.Broker;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the embedded broker.</summary>
public static class BrokerServiceCollectionExtensions
{
    /// <summary>
    /// Adds a broker that runs as long as the host, set up from <paramref name="section"/> (keys as the properties of
    /// <see cref="EmbeddedBrokerOptions"/>) where there is one and then <paramref name="configure"/>. The host has not
    /// started before the broker listens; a taken port stops the start.
    /// </summary>
    public static IServiceCollection AddEmbeddedBroker(
        this IServiceCollection services, Action<EmbeddedBrokerOptions>? configure = null, IConfiguration? section = null)
    {
        var options = services.AddOptions<EmbeddedBrokerOptions>();
        if (section is not null)
            options.Bind(section);
        if (configure is not null)
            options.Configure(configure);

        services.TryAddSingleton(TimeProvider.System);
        services.AddHostedService<EmbeddedBrokerService>();
        return services;
    }
}
