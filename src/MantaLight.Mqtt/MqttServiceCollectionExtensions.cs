using MantaLight.Messaging;
using MantaLight.Mqtt;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the connection to an MQTT broker.</summary>
public static class MqttServiceCollectionExtensions
{
    /// <summary>
    /// Adds the broker, as <see cref="IBroker"/>, from <paramref name="section"/> (keys as the properties of
    /// <see cref="MqttBrokerOptions"/>) where there is one and then <paramref name="configure"/>. Nothing is connected
    /// before the first use.
    /// </summary>
    public static IServiceCollection AddMqttConnection(
        this IServiceCollection services, Action<MqttBrokerOptions>? configure = null, IConfiguration? section = null)
    {
        var options = services.AddOptions<MqttBrokerOptions>();
        if (section is not null)
            options.Bind(section);
        if (configure is not null)
            options.Configure(configure);

        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IBroker>(provider => new MqttBroker(
            provider.GetRequiredService<IOptions<MqttBrokerOptions>>().Value,
            provider.GetService<ILoggerFactory>(),
            provider.GetRequiredService<TimeProvider>()));
        return services;
    }
}
