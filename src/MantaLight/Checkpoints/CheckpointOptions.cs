namespace MantaLight.Checkpoints;

/// <summary>Where checkpoints go and which are kept.</summary>
public sealed record CheckpointOptions
{
    /// <summary>The folder; made where missing.</summary>
    public required string Folder { get; init; }

    /// <summary>Every how many rounds one is written; at least 1. The last round of a run always is.</summary>
    /// <value>1.</value>
    public int Every { get; init; } = 1;

    /// <summary>How many of a swarm's are kept, the newest ones; at least 1.</summary>
    /// <value>Null: all.</value>
    public int? Keep { get; init; }
}

/// <summary>What became of a checkpoint: its file, or why there is none.</summary>
/// <param name="Swarm">The swarm.</param>
/// <param name="Round">The round.</param>
/// <param name="Path">The file; null where there is none.</param>
/// <param name="Problem">Why there is none.</param>
public sealed record CheckpointNews(string Swarm, int Round, string? Path, string? Problem);
