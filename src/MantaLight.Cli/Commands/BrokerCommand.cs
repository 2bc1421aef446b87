using System.CommandLine;
using MantaLight.Broker;
using Microsoft.Extensions.Logging;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight broker</c>: the embedded broker alone.</summary>
internal static class BrokerCommand
{
    private static readonly EmbeddedBrokerOptions Defaults = new();

    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var address = new Option<string>("--address")
        {
            Description = "The IP address to listen on; 0.0.0.0 lets everybody in who reaches this machine.",
            HelpName = "A",
            DefaultValueFactory = _ => Defaults.Address,
        };
        var port = new Option<int>("--port") { Description = "The port of MQTT; 0 for a free one.", HelpName = "P", DefaultValueFactory = _ => Defaults.Port };
        var web = new Option<int>("--web-port") { Description = "The port of MQTT over WebSocket, at /mqtt; 0 for a free one, -1 for none.", HelpName = "P", DefaultValueFactory = _ => 8083 };
        var store = new Option<string?>("--store") { Description = "The folder that keeps retained messages over a restart [default: memory only]", HelpName = "DIR" };
        var command = new Command("broker", "Run an MQTT 5 broker that is all that swarms need.") { address, port, web, store }.WithExamples(
            "mantalight broker",
            "mantalight broker --address 0.0.0.0 --store /var/lib/mantalight");
        command.SetAction((parsed, cancellationToken) => RunAsync(
            console,
            new EmbeddedBrokerOptions
            {
                Address = parsed.GetValue(address)!,
                Port = parsed.GetValue(port),
                WebSocketPort = parsed.GetValue(web) is var p && p < 0 ? null : p,
                StoreFolder = parsed.GetValue(store),
            },
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CliConsole console, EmbeddedBrokerOptions options, CancellationToken cancellationToken)
    {
        using var loggers = ConsoleLogs.ToError(LogLevel.Warning);
        await using var broker = await EmbeddedBroker.StartAsync(options, loggers, TimeProvider.System, cancellationToken);
        console.Out.WriteLine($"Broker: {broker.Uri.OriginalString}{(broker.WebSocketUri is { } web ? $" and {web.OriginalString}" : "")}{(options.StoreFolder is { } folder ? $", keeping retained messages in {Path.GetFullPath(folder)}" : "")}. Ctrl-C ends it.");
        console.Out.Flush();
        var stopped = new TaskCompletionSource();
        await using var registration = cancellationToken.Register(stopped.SetResult);
        await stopped.Task;
        return ExitCodes.Success;
    }
}
