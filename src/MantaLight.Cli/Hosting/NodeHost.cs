using MantaLight.Cli.Commands;
using MantaLight.Cli.Modules;
using MantaLight.Mqtt;
using MantaLight.Node;
using MantaLight.Protocol;
using MantaLight.Torch;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MantaLight.Cli.Hosting;

/// <summary>The process of one node: settings, host, and its end.</summary>
internal static class NodeHost
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(8);

    /// <summary>Runs until it is told to stop, which is success, or until the node ends by itself, which is its error.</summary>
    public static async Task<int> RunAsync(CliConsole console, NodeFlags flags, CancellationToken cancellationToken)
    {
        TorchRuntime.Register(); // for modules that use TorchSharp before anything of MantaLight.Torch
        var builder = CreateBuilder();
        var options = Read(builder.Configuration, flags);
        for (var i = 0; i < options.Modules.Count; i++)
            options.Modules[i] = await ModuleFile.ResolveAsync(options.Modules[i], console.Out.WriteLine, cancellationToken);
        var broker = BrokerFlags.Parse(options.Broker);

        builder.Logging.ClearProviders().AddOneLine();
        builder.Services
            .AddSingleton<IHostLifetime, CallersLifetime>()
            .Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout)
            .AddMqttConnection(connection => connection.Uri = broker, Settings(builder.Configuration).GetSection("Mqtt"))
            .AddSwarmNode(configure: node => Copy(options, node))
            .AddSwarmTelemetry(options.Telemetry);
        using var host = builder.Build();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (flags.UntilInputEnds)
            StopAtEndOfInput(stop);
        try
        {
            await host.StartAsync(stop.Token);
            await host.WaitForShutdownAsync(stop.Token);
        }
        catch (OptionsValidationException e)
        {
            throw new InvalidSettingException($"The node's settings cannot be: {string.Join("; ", e.Failures)}", e);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // Its parent went away while it was starting.
        }
        catch (AggregateException e) when (e.Flatten().InnerExceptions.OfType<MantaLightException>().FirstOrDefault() is { } cause)
        {
            throw cause;
        }
        return ExitCodes.Success;
    }

    /// <summary>The host of a node, with the configuration that there is here.</summary>
    /// <exception cref="InvalidSettingException">A file of it cannot be read.</exception>
    public static HostApplicationBuilder CreateBuilder()
    {
        try
        {
            return Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = [] });
        }
        catch (InvalidDataException e)
        {
            throw CannotBe(e);
        }
    }

    /// <summary>Settings from the configuration's section, the environment and the flags, the last one winning.</summary>
    /// <exception cref="InvalidSettingException">One of them cannot be, or there is no id.</exception>
    public static NodeOptions Read(IConfiguration configuration, NodeFlags flags)
    {
        var options = Bind(configuration, flags);
        if (options.Id.Length == 0)
            throw new InvalidSettingException($"The node has no id. Give one with --id, {NodeOptions.EnvironmentPrefix}ID, or {NodeOptions.Section}:Id in appsettings.json.");
        Identifier.Require(options.Id, "Node id");
        Identifier.Require(options.Cluster, "Cluster");
        return options;
    }

    /// <summary>As <see cref="Read"/>, for whoever does not take part: unchecked, and without an id where none is given.</summary>
    /// <exception cref="InvalidSettingException">One of them is not of its type.</exception>
    public static NodeOptions Bind(IConfiguration configuration, NodeFlags flags)
    {
        var options = new NodeOptions();
        try
        {
            Settings(configuration).Bind(options);
        }
        catch (InvalidOperationException e)
        {
            throw CannotBe(e);
        }
        flags.ApplyTo(options);
        return options;
    }

    /// <summary>How a node with these settings introduces itself to its broker.</summary>
    /// <exception cref="InvalidSettingException">One of the settings cannot be.</exception>
    public static MqttBrokerOptions BindBroker(IConfiguration configuration, NodeOptions options)
    {
        var broker = new MqttBrokerOptions();
        try
        {
            Settings(configuration).GetSection("Mqtt").Bind(broker);
        }
        catch (InvalidOperationException e)
        {
            throw CannotBe(e);
        }
        broker.Uri = BrokerFlags.Parse(options.Broker);
        return broker;
    }

    private static InvalidSettingException CannotBe(Exception e) =>
        new($"The node's settings cannot be: {e.Message} {e.InnerException?.Message}".TrimEnd(), e);

    private static IConfiguration Settings(IConfiguration configuration) => new ConfigurationBuilder()
        .AddConfiguration(configuration.GetSection(NodeOptions.Section))
        .AddEnvironmentVariables(NodeOptions.EnvironmentPrefix)
        .Build();

    private static void Copy(NodeOptions from, NodeOptions to)
    {
        (to.Id, to.Cluster, to.Broker, to.Concurrency, to.StateFolder, to.Gpu, to.Telemetry) =
            (from.Id, from.Cluster, from.Broker, from.Concurrency, from.StateFolder, from.Gpu, from.Telemetry);
        (to.Checkpoints, to.CheckpointEvery, to.KeepCheckpoints, to.HoldFile) = (from.Checkpoints, from.CheckpointEvery, from.KeepCheckpoints, from.HoldFile);
        foreach (var (name, path) in from.Datasets)
            to.Datasets[name] = path;
        foreach (var module in from.Modules)
            to.Modules.Add(module);
        foreach (var tag in from.Tags)
            to.Tags.Add(tag);
    }

    /// <summary>A thread of its own, since a read from standard input cannot be cancelled.</summary>
    private static void StopAtEndOfInput(CancellationTokenSource stop) => new Thread(() =>
    {
        try
        {
            while (Console.In.Read() >= 0)
            {
            }
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The node has ended already.
        }
    })
    { IsBackground = true, Name = "end of input" }.Start();
}

/// <summary>The command line turns signals into cancellation already; the host need not listen for them as well.</summary>
internal sealed class CallersLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
