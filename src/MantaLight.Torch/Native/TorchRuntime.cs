using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using MantaLight.Torch.Diagnostics;
using MantaLight.Torch.Native;
using Microsoft.Extensions.Logging;
using TorchSharp;

namespace MantaLight.Torch;

/// <summary>The native library behind TorchSharp, one for the whole process.</summary>
public static class TorchRuntime
{
    private static readonly Lock Gate = new();
    private static volatile bool loaded;
    private static int told;

    [ThreadStatic]
    private static bool threadPrepared;

    /// <summary>
    /// Loads libtorch, once for the process, and holds the calling thread to one intra-op thread, so that sums have one
    /// order on any machine. Everything here calls it; a model that may be constructed before anything of this assembly
    /// is used calls it from its static constructor. Any thread may call it at any time.
    /// </summary>
    /// <param name="logger">Told when a copy of the native library had to be made for an older system.</param>
    /// <exception cref="TorchUnavailableException">It cannot be loaded; the message says why and what to do.</exception>
    public static void EnsureLoaded(ILogger? logger = null)
    {
        if (!threadPrepared)
            UseThreads(1);
        // Whoever loaded it may have had no logger, as a model's static constructor has none.
        if (logger is not null && NativeLoader.ReboundPath is { } path && Interlocked.Exchange(ref told, 1) == 0)
            Log.ReboundLibraryLoaded(logger, ReboundLibrary.MissingVersion, path);
    }

    /// <summary>Sets the intra-op threads of the calling thread's computations; OpenMP and MKL keep the number per thread.</summary>
    internal static void UseThreads(int count)
    {
        Load();
        // A thread's first question or parallel operation gives it the number that any thread set last: that comes before, not after.
        _ = torch.get_num_threads();
        torch.set_num_threads(count);
        threadPrepared = true;
    }

    private static void Load()
    {
        if (loaded)
            return;
        lock (Gate)
        {
            if (loaded)
                return;
            NativeLoader.Load();
            torch.set_num_interop_threads(1);
            loaded = true;
        }
    }

    /// <summary>
    /// Makes an ordinary first use of TorchSharp in this process find the library that this system can load; cheap, loads
    /// nothing. For programs that use TorchSharp before anything of this assembly.
    /// </summary>
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255:The 'ModuleInitializer' attribute should not be used in libraries",
        Justification = "It only adds an event handler, which has to be there before TorchSharp's first use.")]
    public static void Register() => NativeLoader.Register();
}
