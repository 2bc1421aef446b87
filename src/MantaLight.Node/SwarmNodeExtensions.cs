using System.Reflection;
using MantaLight.Diagnostics;
using MantaLight.Node;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Hosts a swarm node in a program of one's own.</summary>
public static class SwarmNodeExtensions
{
    /// <summary>
    /// Adds a node. It needs an <c>IBroker</c>, for example from <c>AddMqttConnection</c>; settings come from the
    /// configuration section first and <paramref name="configure"/> last.
    /// </summary>
    public static IServiceCollection AddSwarmNode(this IServiceCollection services, IConfiguration? configuration = null, Action<NodeOptions>? configure = null)
    {
        var options = services.AddOptions<NodeOptions>();
        if (configuration is not null)
            options.Bind(configuration);
        if (configure is not null)
            options.Configure(configure);
        options.ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<NodeOptions>, NodeOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.AddHostedService<SwarmNodeService>();
        return services;
    }

    /// <summary>Brings an assembly of the program as a module, beside those that the options name by path.</summary>
    public static IServiceCollection AddSwarmModule(this IServiceCollection services, Assembly assembly) =>
        services.AddSingleton(new ModuleAssembly(assembly));

    /// <summary>Exports MantaLight's metrics and traces.</summary>
    public static IServiceCollection AddSwarmTelemetry(this IServiceCollection services, TelemetryExport export)
    {
        if (export == TelemetryExport.None)
            return services;
        services.AddOpenTelemetry()
            // The environment last, so that OTEL_SERVICE_NAME wins.
            .ConfigureResource(resource => resource.AddService("mantalight").AddEnvironmentVariableDetector())
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(Telemetry.Name).AddRuntimeInstrumentation();
                if (export == TelemetryExport.Console)
                    metrics.AddConsoleExporter();
                else
                    metrics.AddOtlpExporter();
            })
            .WithTracing(tracing =>
            {
                tracing.AddSource(Telemetry.Name);
                if (export == TelemetryExport.Console)
                    tracing.AddConsoleExporter();
                else
                    tracing.AddOtlpExporter();
            });
        return services;
    }
}
