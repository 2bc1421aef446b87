using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MantaLight.Node;

/// <summary>
/// A participant's settings: section <c>MantaLight</c> of appsettings.json, environment variables
/// (<c>MANTALIGHT_ID</c>, <c>MANTALIGHT_DATASETS__mnist</c>, …) and flags all bind to this one class.
/// </summary>
public sealed class NodeOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "MantaLight";

    /// <summary>The prefix of environment variables.</summary>
    public const string EnvironmentPrefix = "MANTALIGHT_";

    /// <summary>The node's id: 1 to 64 of A-Z a-z 0-9 _ -; one process at a time.</summary>
    [Required]
    public string Id { get; set; } = "";

    /// <summary>The cluster: a name space on the broker.</summary>
    /// <value><c>local</c>.</value>
    public string Cluster { get; set; } = "local";

    /// <summary>The broker's URI (mqtt, mqtts, ws, wss), for hosts that connect by it.</summary>
    /// <value><c>mqtt://127.0.0.1:1883</c>.</value>
    public string Broker { get; set; } = "mqtt://127.0.0.1:1883";

    /// <summary>Data sets by name: the file or folder of each.</summary>
    public Dictionary<string, string> Datasets { get; } = new(StringComparer.Ordinal);

    /// <summary>Paths of module assemblies (.dll).</summary>
    public IList<string> Modules { get; } = [];

    /// <summary>How many attempts run at once; at least 1.</summary>
    /// <value>2.</value>
    [Range(1, 1024)]
    public int Concurrency { get; set; } = 2;

    /// <summary>Tags that placement can ask for.</summary>
    public IList<string> Tags { get; } = [];

    /// <summary>Where staged results lie until their round is over.</summary>
    /// <value>Null: <c>mantalight/{cluster}/{id}</c> in the user's local application data.</value>
    public string? StateFolder { get; set; }

    /// <summary>
    /// A file that holds attempts, for trials under faults: one waits, before it begins, while the file has the line
    /// <c>ROUND.ALIAS</c>. Results do not depend on it.
    /// </summary>
    /// <value>None.</value>
    public string? HoldFile { get; set; }

    /// <summary>Whether tasks may use a GPU here.</summary>
    public bool Gpu { get; set; }

    /// <summary>The folder where this process keeps checkpoints of the cluster's swarms.</summary>
    /// <value>Null: none are kept.</value>
    public string? Checkpoints { get; set; }

    /// <summary>Every how many rounds a checkpoint is written; at least 1.</summary>
    /// <value>1.</value>
    [Range(1, 1_000_000)]
    public int CheckpointEvery { get; set; } = 1;

    /// <summary>How many checkpoints of a swarm are kept, the newest ones; at least 1.</summary>
    /// <value>Null: all.</value>
    [Range(1, 1_000_000)]
    public int? KeepCheckpoints { get; set; }

    /// <summary>Where metrics and traces go.</summary>
    /// <value><see cref="TelemetryExport.None"/>.</value>
    public TelemetryExport Telemetry { get; set; }
}

/// <summary>Where metrics and traces go.</summary>
public enum TelemetryExport
{
    /// <summary>Nowhere.</summary>
    None,

    /// <summary>To standard output.</summary>
    Console,

    /// <summary>To the collector that the OTEL_ environment variables name.</summary>
    Otlp,
}

/// <summary>Checks settings before the host starts.</summary>
[OptionsValidator]
internal sealed partial class NodeOptionsValidator : IValidateOptions<NodeOptions>;
