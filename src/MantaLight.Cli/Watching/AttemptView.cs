namespace MantaLight.Cli.Watching;

/// <summary>A task on a node, as last heard.</summary>
internal sealed record AttemptView(int Round, string Alias, string Node, int Number, AttemptStatus Status)
{
    /// <summary>0 to 1.</summary>
    public double Progress { get; init; }

    /// <summary>The current training loss.</summary>
    public double? Loss { get; init; }
}
