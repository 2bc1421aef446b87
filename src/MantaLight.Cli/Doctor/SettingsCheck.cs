using System.ComponentModel.DataAnnotations;
using System.Globalization;
using MantaLight.Cli.Commands;
using MantaLight.Cli.Hosting;
using MantaLight.Mqtt;
using MantaLight.Node;
using MantaLight.Protocol;
using Microsoft.Extensions.Configuration;

namespace MantaLight.Cli.Doctor;

/// <summary>The settings that a node would have here, and where they come from.</summary>
internal static class SettingsCheck
{
    private const string Area = "settings";

    /// <summary>Reads settings as <c>mantalight node</c> does; where they cannot be, that is a finding, and flags and defaults are looked at.</summary>
    /// <exception cref="InvalidSettingException">A flag cannot be.</exception>
    public static DoctorSettings Read(Func<IConfiguration> configure, NodeFlags flags, string? target, string? data)
    {
        try
        {
            var configuration = configure();
            var options = NodeHost.Bind(configuration, flags);
            var broker = NodeHost.BindBroker(configuration, options);
            RequireSound(options);
            return Of(options, broker, Finding.Ok(Area, "node", Describe(options, broker, flags, configuration)), target, data);
        }
        catch (InvalidSettingException e)
        {
            var options = new NodeOptions();
            flags.ApplyTo(options);
            Identifier.Require(options.Cluster, "Cluster");
            var problem = Finding.Problem(Area, "node", e.Message, "Correct it in appsettings.json, in the MANTALIGHT_ variable, or by a flag. What follows is by flags and defaults alone.");
            return Of(options, new MqttBrokerOptions { Uri = BrokerFlags.Parse(options.Broker) }, problem, target, data);
        }
    }

    private static DoctorSettings Of(NodeOptions options, MqttBrokerOptions broker, Finding found, string? target, string? data) => new()
    {
        Found = found,
        Broker = broker,
        Cluster = options.Cluster,
        Target = target,
        Modules = [.. options.Modules],
        Datasets = [.. options.Datasets],
        Data = data,
        StateFolder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.StateFolder ?? Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "mantalight", options.Cluster, options.Id))),
    };

    /// <summary>As the host does when a node starts, but without an id, which nobody needs to be examined.</summary>
    private static void RequireSound(NodeOptions options)
    {
        Identifier.Require(options.Cluster, "Cluster");
        if (options.Id.Length > 0)
            Identifier.Require(options.Id, "Node id");
        var wrong = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), wrong, validateAllProperties: true);
        wrong.RemoveAll(w => w.MemberNames.Contains(nameof(NodeOptions.Id)));
        if (wrong.Count > 0)
            throw new InvalidSettingException($"The node's settings cannot be: {string.Join("; ", wrong.Select(w => w.ErrorMessage))}");
    }

    private static string Describe(NodeOptions options, MqttBrokerOptions broker, NodeFlags flags, IConfiguration configuration)
    {
        // Without what may be a password.
        var address = broker.Uri.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);
        var id = options.Id.Length > 0 ? $"{options.Id} {Origin("Id", flags.Id, configuration)}" : "not given, and needed to run one";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"broker {address} {Origin("Broker", flags.Broker, configuration)}, cluster {options.Cluster} {Origin("Cluster", flags.Cluster, configuration)}, node id {id}; data sets: {List(options.Datasets.Keys)}; modules: {List(options.Modules)}");
    }

    private static string List(ICollection<string> names) => names.Count == 0 ? "none" : string.Join(", ", names);

    private static string Origin(string key, string? flag, IConfiguration configuration)
    {
        if (flag is not null)
            return $"(--{key.ToLowerInvariant()})";
        var variable = NodeOptions.EnvironmentPrefix + key.ToUpperInvariant();
        if (new ConfigurationBuilder().AddEnvironmentVariables(NodeOptions.EnvironmentPrefix).Build()[key] is not null)
            return $"({variable})";
        var provider = (configuration as IConfigurationRoot)?.Providers.LastOrDefault(p => p.TryGet($"{NodeOptions.Section}:{key}", out _));
        return provider switch
        {
            null => "(default)",
            FileConfigurationProvider file => $"({file.Source.Path})",
            _ => $"({NodeOptions.Section}__{key})",
        };
    }
}
