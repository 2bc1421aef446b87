namespace MantaLight.Cli.Modules;

/// <summary>One process at a time: a file that its holder keeps open alone.</summary>
internal static class BuildLock
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Waits for the lock of a folder; disposing the result gives it up, and so does the end of the process.</summary>
    public static async Task<IAsyncDisposable> TakeAsync(string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(folder, "mantalight.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            }
        }
    }
}
