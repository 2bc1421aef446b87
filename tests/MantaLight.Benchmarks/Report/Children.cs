using System.Diagnostics;

namespace MantaLight.Benchmarks.Report;

/// <summary>The processes that were started from here, so that none is left when the report is cancelled.</summary>
internal static class Children
{
    private static readonly Lock Gate = new();
    private static readonly List<Process> Started = [];
    private static bool ended;

    /// <summary>Starts one.</summary>
    /// <exception cref="OperationCanceledException">The report was cancelled.</exception>
    /// <exception cref="System.ComponentModel.Win32Exception">There is no such program.</exception>
    public static Process Start(ProcessStartInfo start)
    {
        lock (Gate)
        {
            ThrowIfEnded();
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
