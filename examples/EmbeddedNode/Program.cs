using MantaLight.Examples.EmbeddedNode;
using MantaLight.Node;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

// A program of one's own that takes part in swarms beside whatever else it does.
// Settings: the section MantaLight of appsettings.json, then MANTALIGHT_… variables, then flags.
var builder = Host.CreateApplicationBuilder(args);
IConfiguration settings = new ConfigurationBuilder()
    .AddConfiguration(builder.Configuration.GetSection(NodeOptions.Section))
    .AddEnvironmentVariables(NodeOptions.EnvironmentPrefix)
    .AddCommandLine(args)
    .Build();
var broker = settings[nameof(NodeOptions.Broker)] ?? new NodeOptions().Broker;

builder.Services.AddMqttConnection(mqtt => mqtt.Uri = new Uri(broker));
builder.Services.AddSwarmNode(settings);
builder.Services.AddSwarmModule(typeof(Measure).Assembly);

await builder.Build().RunAsync();
