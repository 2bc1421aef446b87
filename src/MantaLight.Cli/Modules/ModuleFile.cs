using System.Reflection;
using MantaLight.Cli.Swarms;
using MantaLight.Node;
using MantaLight.Swarms;

namespace MantaLight.Cli.Modules;

/// <summary>Where a module's assembly is.</summary>
internal static class ModuleFile
{
    /// <summary>The assembly behind a <c>--module</c>: a .dll itself, or a project folder's output, built first where it is old.</summary>
    /// <exception cref="ModuleException">It is not there or does not build.</exception>
    public static async Task<string> ResolveAsync(string path, Action<string> say, CancellationToken cancellationToken)
    {
        var full = Path.GetFullPath(path);
        if (full.EndsWith(".csproj", StringComparison.OrdinalIgnoreCase) && File.Exists(full))
            full = Path.GetDirectoryName(full)!;
        if (Directory.Exists(full))
        {
            var project = ModuleProject.FindIn(full) ?? throw new ModuleException($"The folder {full} has no project. Give the path of a module's .dll, or of its project folder.");
            return await project.EnsureBuiltAsync(say, cancellationToken);
        }
        return File.Exists(full)
            ? full
            : throw new ModuleException($"The module {full} is not there. Give the path of its .dll, or of its project folder.");
    }

    /// <summary>The assembly of a definition's module: its project's output, or a .dll beside the definition or beside this program; null where it is nowhere.</summary>
    /// <exception cref="ModuleException">Its project does not build.</exception>
    public static async Task<string?> FindAsync(SwarmSource source, string module, Action<string> say, CancellationToken cancellationToken)
    {
        if (source.Project is { } project && project.AssemblyName == module)
            return await project.EnsureBuiltAsync(say, cancellationToken);
        string[] folders = [Path.GetDirectoryName(source.DefinitionFile)!, AppContext.BaseDirectory];
        return folders.Select(folder => Path.Combine(folder, $"{module}.dll")).FirstOrDefault(File.Exists);
    }

    /// <summary>Loads a module, which must be the one that a definition names.</summary>
    /// <exception cref="ModuleException">It cannot be loaded or is another one.</exception>
    public static Assembly Load(string path, SwarmDefinition definition)
    {
        var assembly = ModuleLoader.Load(path);
        return assembly.GetName().Name == definition.Module
            ? assembly
            : throw new ModuleException($"The definition's module is {definition.Module}, but {path} is {assembly.GetName().Name}.");
    }
}
