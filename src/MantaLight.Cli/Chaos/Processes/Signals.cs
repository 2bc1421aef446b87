using System.ComponentModel;
using System.Runtime.InteropServices;

namespace MantaLight.Cli.Chaos.Processes;

/// <summary>Signals that .NET has no word for.</summary>
internal static class Signals
{
    private const int Continue = 18; // SIGCONT on Linux, x64 and arm64
    private const int Stop = 19; // SIGSTOP

    /// <summary>Freezes a process where it stands.</summary>
    public static void Pause(int process) => Send(process, Stop);

    /// <summary>Lets it go on.</summary>
    public static void Resume(int process) => Send(process, Continue);

    /// <summary>Whether a process is frozen.</summary>
    public static bool IsPaused(int process)
    {
        // Behind the name, which may have brackets in it: the state, T where a signal has stopped it.
        var line = File.ReadAllText($"/proc/{process}/stat");
        return line.AsSpan(line.LastIndexOf(')') + 1).TrimStart().StartsWith("T", StringComparison.Ordinal);
    }

    private static void Send(int process, int signal)
    {
        if (Kill(process, signal) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
