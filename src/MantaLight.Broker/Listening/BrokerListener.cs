using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MantaLight.Broker.Listening;

/// <summary>The web server that listens: raw TCP, and WebSocket where wanted.</summary>
internal sealed class BrokerListener : IAsyncDisposable
{
    private const string Path = "/mqtt";

    private readonly WebApplication application;
    private readonly ListenOptions tcp;
    private readonly ListenOptions? web;

    private BrokerListener(WebApplication application, ListenOptions tcp, ListenOptions? web) =>
        (this.application, this.tcp, this.web) = (application, tcp, web);

    public int Port => ((IPEndPoint)tcp.EndPoint).Port;

    public int? WebSocketPort => (web?.EndPoint as IPEndPoint)?.Port;

    /// <exception cref="InvalidSettingException">A port is taken or the address is not this machine's.</exception>
    public static async Task<BrokerListener> StartAsync(
        EmbeddedBrokerOptions options, IPAddress address, BrokerConnectionHandler handler, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton(handler);
        // The host's own would listen to Ctrl-C, and stop the broker before those who use it.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddRouting();
        builder.Services.AddConnections();

        ListenOptions? tcp = null, web = null;
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(address, options.Port, listen => (tcp = listen).UseConnectionHandler<BrokerConnectionHandler>());
            if (options.WebSocketPort is { } port)
                kestrel.Listen(address, port, listen => (web = listen).Protocols = HttpProtocols.Http1);
        });

        var application = builder.Build();
        application.UseRouting();
        application.MapConnectionHandler<BrokerConnectionHandler>(Path, connections =>
        {
            connections.Transports = HttpTransportType.WebSockets;
            connections.WebSockets.SubProtocolSelector = static asked => asked.FirstOrDefault(name => name.StartsWith("mqtt", StringComparison.OrdinalIgnoreCase))!;
        });

        try
        {
            await application.StartAsync(cancellationToken);
            return new BrokerListener(application, tcp!, web);
        }
        catch (Exception problem)
        {
            await application.DisposeAsync();
            throw problem is IOException or System.Net.Sockets.SocketException or InvalidOperationException ? Explain(options, problem) : problem;
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken) => await application.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => application.DisposeAsync();

    private static InvalidSettingException Explain(EmbeddedBrokerOptions options, Exception problem)
    {
        var web = options.WebSocketPort is > 0 and var port && problem.Message.Contains($":{port}", StringComparison.Ordinal);
        var (name, number) = web ? (nameof(options.WebSocketPort), options.WebSocketPort!.Value) : (nameof(options.Port), options.Port);
        return problem.InnerException is AddressInUseException
            ? new InvalidSettingException($"The broker cannot listen on port {number} of {options.Address}: it is taken, perhaps by another broker. Stop that one, or choose another {name} (0 for any free one).", problem)
            : new InvalidSettingException($"The broker cannot listen on port {number} of {options.Address}: {problem.Message} Check Address and {name}.", problem);
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
