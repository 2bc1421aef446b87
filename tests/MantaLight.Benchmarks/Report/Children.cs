using System.Diagnostics;

namespace MantaLight.Benchmarks.Report;

/// <summary>The processes that were started from here, so that none is left when the report is cancelled.</summary>
internal static class Children
{
    private static readonly Lock Gate = new();
    private static readonly List<Process> Started = [];
    private static readonly Lazy<string> Folder = new(() => Directory.CreateTempSubdirectory("mantalight-report-").FullName);
    private static bool ended;

    /// <summary>Starts one.</summary>
    /// <exception cref="OperationCanceledException">The report was cancelled.</exception>
    /// <exception cref="System.ComponentModel.Win32Exception">There is no such program.</exception>
    public static Process Start(ProcessStartInfo start)
    {
        lock (Gate)
        {
            ThrowIfEnded();
            // One that is ended here cannot clear away its own.
            start.Environment["TMPDIR"] = Folder.Value;
            var process = Process.Start(start)!;
            Started.Add(process);
            return process;
        }
    }

    /// <exception cref="OperationCanceledException">The report was cancelled.</exception>
    public static void ThrowIfEnded()
    {
        if (Volatile.Read(ref ended))
            throw new OperationCanceledException("The report was cancelled.");
    }

    /// <summary>Removes what they have left on disk.</summary>
    public static void Clear()
    {
        try
        {
            if (Folder.IsValueCreated)
                Directory.Delete(Folder.Value, recursive: true);
        }
        catch (IOException)
        {
            // One of them is still on its way out; it lies among the system's temporary files.
        }
    }

    /// <summary>Ends all of them, with theirs; nothing is started any more.</summary>
    public static void End()
    {
        lock (Gate)
        {
            Volatile.Write(ref ended, true);
            foreach (var process in Started)
                Kill(process);
        }
    }

    /// <summary>Ends one, with its own children; nothing where it has ended.</summary>
    public static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It was disposed.
        }
    }
}
