using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using MantaLight.Torch.Native;
using Microsoft.Extensions.Logging;
using TorchSharp;

namespace MantaLight.Torch;

/// <summary>The native library behind TorchSharp, one for the whole process.</summary>
public static class TorchRuntime
{
    private static readonly Lock Gate = new();
    private static volatile bool loaded;

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
        if (threadPrepared)
            return;
        if (!loaded)
        {
            lock (Gate)
            {
                if (!loaded)
                {
                    NativeLoader.Load(logger);
                    torch.set_num_interop_threads(1);
                    loaded = true;
                }
            }
        }
        // OpenMP and MKL keep the number per thread.
        torch.set_num_threads(1);
        threadPrepared = true;
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
