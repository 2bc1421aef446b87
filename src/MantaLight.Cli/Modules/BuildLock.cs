namespace MantaLight.Cli.Modules;

/// <summary>One process at a time: a file that its holder keeps open alone.</summary>
internal static class BuildLock
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Waits for the lock of a folder, and says so where that lasts; disposing the result gives it up, and so does the end of the process.</summary>
    public static async Task<IAsyncDisposable> TakeAsync(string folder, Action<string> say, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var began = TimeProvider.System.GetTimestamp();
        var told = false;
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(folder, "mantalight.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e)
            {
                if (!told && TimeProvider.System.GetElapsedTime(began) >= Patience)
                {
                    say($"Waiting for another process that builds in {Path.GetDirectoryName(folder)} ({e.Message})");
                    told = true;
                }
                await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            }
        }
    }
}
