namespace MantaLight.Torch.Native;

/// <summary>Where NuGet and the host put native libraries.</summary>
internal sealed class NativeFolders
{
    public const string TorchSharpLibrary = "libLibTorchSharp.so";
    public const string TorchLibrary = "libtorch.so";

    private readonly string[] folders;

    public NativeFolders(IEnumerable<string> folders) =>
        this.folders = [.. folders.Where(f => f.Length > 0).Select(f => Path.TrimEndingDirectorySeparator(Path.GetFullPath(f))).Distinct(StringComparer.Ordinal)];

    /// <summary>The folders of this process.</summary>
    public static NativeFolders OfThisProcess()
    {
        var host = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(Path.PathSeparator);
        var assembly = Path.GetDirectoryName(typeof(TorchSharp.torch).Assembly.Location) ?? "";
        string[] roots = [AppContext.BaseDirectory, assembly];
        return new NativeFolders([
            .. roots.Where(r => r.Length > 0).SelectMany(r => new[] { Path.Combine(r, "runtimes", "linux-x64", "native"), r }),
            .. host]);
    }

    /// <summary>The first folder that has the file; null where none has.</summary>
    public string? Find(string file) => Array.Find(folders, f => File.Exists(Path.Combine(f, file)));

    public override string ToString() => string.Join(", ", folders);
}
