namespace MantaLight.Blobs;

/// <summary>The waits of a transfer.</summary>
internal sealed record BlobTiming
{
    /// <summary>Silence after which missing chunks are asked for again; longer where they come slowly.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Time without a single chunk after which a transfer is given up.</summary>
    public TimeSpan GiveUp { get; init; } = TimeSpan.FromSeconds(15);
}
