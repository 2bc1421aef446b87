using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace MantaLight.Torch.Native;

/// <summary>Answers for TorchSharp's native library where the ordinary load has failed.</summary>
internal static class NativeLoader
{
    private const string LibraryName = "LibTorchSharp";

    private static readonly Lock Gate = new();
    private static bool registered;
    private static nint rebound;

    /// <summary>Why the last load failed; null where it has not.</summary>
    public static string? Failure { get; private set; }

    /// <summary>The edited copy that is loaded; null where none was needed.</summary>
    public static string? ReboundPath { get; private set; }

    /// <summary>Asks to be called when the ordinary load of a native library fails; loads nothing.</summary>
    public static void Register()
    {
        lock (Gate)
        {
            if (registered || !OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
                return;
            registered = true;
            var context = AssemblyLoadContext.GetLoadContext(typeof(TorchSharp.torch).Assembly) ?? AssemblyLoadContext.Default;
            context.ResolvingUnmanagedDll += Resolve;
        }
    }

    /// <summary>Loads TorchSharp's native library, the edited copy where the system needs it.</summary>
    /// <exception cref="TorchUnavailableException">It cannot be loaded.</exception>
    public static void Load()
    {
        Register();
        var torchSharp = typeof(TorchSharp.torch).Assembly;
        // libtorch first: TorchSharp's library finds it by then, wherever it is.
        NativeLibrary.TryLoad("torch_cpu", torchSharp, null, out _);
        if (NativeLibrary.TryLoad(LibraryName, torchSharp, null, out _))
            return;
        throw new TorchUnavailableException(Failure
            ?? $"The native library {LibraryName} does not load. Reference the package TorchSharp-cpu in the program that runs the node.");
    }

    private static nint Resolve(Assembly assembly, string name)
    {
        if (name != LibraryName)
            return 0;
        lock (Gate)
        {
            if (rebound != 0)
                return rebound;
            try
            {
                return rebound = LoadFrom(NativeFolders.OfThisProcess());
            }
            catch (Exception e)
            {
                Failure = e is TorchUnavailableException ? e.Message : $"TorchSharp's native library does not load: {e.Message}";
                return 0;
            }
        }
    }

    private static nint LoadFrom(NativeFolders folders)
    {
        var torchSharpFolder = folders.Find(NativeFolders.TorchSharpLibrary);
        var torchFolder = folders.Find(NativeFolders.TorchLibrary);
        if (torchSharpFolder is null || torchFolder is null)
        {
            var absent = torchSharpFolder is null ? NativeFolders.TorchSharpLibrary : NativeFolders.TorchLibrary;
            throw new TorchUnavailableException($"{absent} is in none of the folders {folders}. Reference the package TorchSharp-cpu in the program that runs the node.");
        }

        var path = Path.Combine(torchSharpFolder, NativeFolders.TorchSharpLibrary);
        string reason;
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (DllNotFoundException e)
        {
            reason = e.Message;
        }
        if (!reason.Contains(ReboundLibrary.MissingVersion, StringComparison.Ordinal))
            throw new TorchUnavailableException($"{path} does not load: {reason}");

        var original = File.ReadAllBytes(path);
        if (ReboundLibrary.Sha256(original) is var hash && hash != ReboundLibrary.KnownSha256)
        {
            throw new TorchUnavailableException(
                $"{path} needs {ReboundLibrary.MissingVersion}, which this system's libstdc++ lacks, and its SHA-256 {hash} is not that of TorchSharp 0.107.0, for which there is a remedy. "
                + "Use TorchSharp 0.107.0, or a system with GCC 13's libstdc++ or newer (Debian 13, Ubuntu 24.04).");
        }

        var copy = ReboundFile.Place(ReboundLibrary.Rebind(original), torchSharpFolder, torchFolder, ReboundFile.DefaultCacheRoot());
        var handle = NativeLibrary.Load(copy);
        ReboundPath = copy;
        return handle;
    }
}
