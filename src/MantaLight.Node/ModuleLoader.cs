using System.Reflection;
using System.Runtime.Loader;

namespace MantaLight.Node;

/// <summary>Loads modules. What the host has already (MantaLight, TorchSharp) is shared; anything else comes from the module's folder.</summary>
public static class ModuleLoader
{
    /// <summary>Loads the assembly at <paramref name="path"/>.</summary>
    /// <exception cref="ModuleException">It is not there or not a .NET assembly.</exception>
    public static Assembly Load(string path)
    {
        var full = Path.GetFullPath(path);
        if (!File.Exists(full))
            throw new ModuleException($"The module {full} is not there. Give the path of its .dll, or of its project folder.");
        try
        {
            var name = AssemblyName.GetAssemblyName(full);
            // Referenced by the program itself: the same assembly must not be there twice.
            var shared = AssemblyLoadContext.Default.Assemblies.FirstOrDefault(a => a.GetName().Name == name.Name && a.Location == full);
            return shared ?? new ModuleContext(full).LoadFromAssemblyPath(full);
        }
        catch (Exception e) when (e is BadImageFormatException or FileLoadException)
        {
            throw new ModuleException($"The module {full} is not an assembly that can be loaded: {e.Message}", e);
        }
    }

    private sealed class ModuleContext(string path) : AssemblyLoadContext(Path.GetFileNameWithoutExtension(path))
    {
        private readonly AssemblyDependencyResolver resolver = new(path);

        protected override Assembly? Load(AssemblyName assemblyName)
        {
            try
            {
                return Default.LoadFromAssemblyName(assemblyName);
            }
            catch (Exception e) when (e is FileNotFoundException or FileLoadException)
            {
                return resolver.ResolveAssemblyToPath(assemblyName) is { } found ? LoadFromAssemblyPath(found) : null;
            }
        }

        protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
            resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } found ? LoadUnmanagedDllFromPath(found) : 0;
    }
}
