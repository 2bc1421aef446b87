namespace MantaLight.Blobs;

/// <summary>The waits of a transfer.</summary>
internal sealed record BlobTiming
{
    /// <summary>Silence after which missing chunks are asked for again.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Time without a single new chunk after which a transfer is given up.</summary>
    public TimeSpan GiveUp { get; init; } = TimeSpan.FromSeconds(15);
}
