using System.Globalization;
using System.Runtime.CompilerServices;
using MantaLight.Cli.Watching;

namespace MantaLight.Cli.Doctor;

/// <summary>Whether a node could keep its state on this disk.</summary>
internal sealed class DiskCheck(string folder, TimeProvider time)
{
    private const string Area = "disk";
    private const int Writes = 11;
    private const long FewBytes = 1L << 30;
    private const long TooFewBytes = 100L << 20;

    private static readonly TimeSpan SlowFlush = TimeSpan.FromMilliseconds(100);

    public async IAsyncEnumerable<Finding> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var wasThere = Existing(folder);
        var (flush, refusal) = await TryWriteAsync(cancellationToken);
        if (refusal is not null)
        {
            yield return refusal;
            yield break;
        }
        yield return Flushed(folder, flush);
        yield return Free(new DriveInfo(folder).AvailableFreeSpace);
        RemoveEmpty(wasThere);
    }

    private async Task<(TimeSpan Flush, Finding? Refusal)> TryWriteAsync(CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return (await FlushAsync(Path.Combine(folder, $"doctor-{Path.GetRandomFileName()}"), cancellationToken), null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (default, Finding.Problem(Area, "state folder", $"{folder} cannot be written to: {e.Message}", "Give the node a folder of its own with --state-folder, and free some space where the disk is full."));
        }
    }

    private async Task<TimeSpan> FlushAsync(string path, CancellationToken cancellationToken)
    {
        var block = new byte[4096];
        var times = new List<TimeSpan>();
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
        for (var i = 0; i < Writes; i++)
        {
            var began = time.GetTimestamp();
            await file.WriteAsync(block, cancellationToken);
            file.Flush(flushToDisk: true);
            times.Add(time.GetElapsedTime(began));
        }
        times.Sort();
        return times[times.Count / 2];
    }

    internal static Finding Flushed(string folder, TimeSpan flush)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{folder} can be written to; 4 KiB are on the disk after {flush.TotalMilliseconds:0.0} ms (median)");
        return flush < SlowFlush
            ? Finding.Ok(Area, "state folder", text)
            : Finding.Warning(Area, "state folder", text, "Each attempt waits for the disk a few times. Put the state folder on a local SSD (--state-folder).");
    }

    internal static Finding Free(long free)
    {
        var text = $"{Texts.Bytes(free)} are free";
        return free switch
        {
            < TooFewBytes => Finding.Problem(Area, "free space", text, "Free some: models and results of a round lie there."),
            < FewBytes => Finding.Warning(Area, "free space", text, "Free some: models and results of a round lie there, twice the model for each attempt."),
            _ => Finding.Ok(Area, "free space", text),
        };
    }

    /// <summary>The folder, or what there is of the way to it.</summary>
    private static string? Existing(string? folder)
    {
        while (folder is not null && !Directory.Exists(folder))
            folder = Path.GetDirectoryName(folder);
        return folder;
    }

    private void RemoveEmpty(string? downTo)
    {
        try
        {
            for (var made = folder; made is not null && made != downTo; made = Path.GetDirectoryName(made))
                Directory.Delete(made);
        }
        catch (IOException)
        {
            // A node has begun to use it meanwhile.
        }
    }
}
