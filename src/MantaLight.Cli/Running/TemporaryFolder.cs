namespace MantaLight.Cli.Running;

/// <summary>A folder that goes when it is disposed.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    /// <summary>Its path.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("mantalight-").FullName;

    /// <summary>Whether it stays, because somebody wants to look into it.</summary>
    public bool Keep { get; set; }

    public void Dispose()
    {
        if (Keep)
            return;
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It lies among the system's temporary files, which somebody clears.
        }
    }
}
