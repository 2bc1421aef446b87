using System.Xml;
using System.Xml.Linq;

namespace MantaLight.Cli.Modules;

/// <summary>A project whose output is a module.</summary>
internal sealed record ModuleProject(string File, string AssemblyName)
{
    private const int MaximumDepth = 8;

    private static readonly string[] SourceEndings = [".cs", ".csproj", ".props", ".targets", ".resx"];

    /// <summary>The folder.</summary>
    public string Folder => Path.GetDirectoryName(File)!;

    /// <summary>The project in a folder; null where there is none.</summary>
    /// <exception cref="InvalidSettingException">There are several, or it is no XML.</exception>
    public static ModuleProject? FindIn(string folder)
    {
        var projects = Directory.GetFiles(folder, "*.csproj");
        if (projects.Length > 1)
            throw new InvalidSettingException($"The folder {folder} has {projects.Length} projects ({string.Join(", ", projects.Select(Path.GetFileName))}); a module is one.");
        return projects.Length == 0 ? null : new ModuleProject(projects[0], NameOf(projects[0]));
    }

    /// <summary>The module's assembly, built first where it is missing or older than its sources.</summary>
    /// <exception cref="ModuleException">It does not build; the message has the compiler's errors.</exception>
    public async Task<string> EnsureBuiltAsync(Action<string> say, CancellationToken cancellationToken)
    {
        // Nodes that are started together must not build one project at once.
        await using var only = await BuildLock.TakeAsync(Path.Combine(Folder, "obj"), say, cancellationToken);
        var output = Output();
        if (output is not null && System.IO.File.GetLastWriteTimeUtc(output) >= LatestSource(File, 0))
            return output;
        say($"Building {Path.GetFileName(File)}");
        await DotnetBuild.RunAsync(File, cancellationToken);
        output = Output() ?? throw new ModuleException($"{File} was built, but {AssemblyName}.dll is not below {Path.Combine(Folder, "bin", "Release")}. Set no OutputPath in the project, or give the path of the .dll.");
        // An incremental build may leave the file as it was; its time says from now on that it is up to date.
        System.IO.File.SetLastWriteTimeUtc(output, TimeProvider.System.GetUtcNow().UtcDateTime);
        return output;
    }

    private string? Output()
    {
        var release = Path.Combine(Folder, "bin", "Release");
        if (!Directory.Exists(release))
            return null;
        return Directory.EnumerateDirectories(release)
            .Select(framework => Path.Combine(framework, $"{AssemblyName}.dll"))
            .Where(System.IO.File.Exists)
            .MaxBy(System.IO.File.GetLastWriteTimeUtc);
    }

    /// <summary>When anything that the project is built from was changed last, its referenced projects included.</summary>
    private static DateTime LatestSource(string project, int depth)
    {
        if (!System.IO.File.Exists(project) || depth > MaximumDepth)
            return DateTime.MinValue;
        var folder = Path.GetDirectoryName(project)!;
        var own = Sources(new DirectoryInfo(folder)).Select(f => f.LastWriteTimeUtc).DefaultIfEmpty(DateTime.MinValue).Max();
        var referenced = Read(project).Descendants()
            .Where(e => e.Name.LocalName == "ProjectReference")
            .Select(e => e.Attribute("Include")?.Value)
            .OfType<string>()
            .Select(path => LatestSource(Path.GetFullPath(Path.Combine(folder, path.Replace('\\', '/'))), depth + 1))
            .DefaultIfEmpty(DateTime.MinValue).Max();
        return own > referenced ? own : referenced;
    }

    private static IEnumerable<FileInfo> Sources(DirectoryInfo folder)
    {
        var files = folder.EnumerateFiles().Where(f => SourceEndings.Contains(f.Extension));
        var below = folder.EnumerateDirectories().Where(d => d.Name is not ("bin" or "obj") && !d.Name.StartsWith('.'));
        return files.Concat(below.SelectMany(Sources));
    }

    private static string NameOf(string project) =>
        Read(project).Descendants().FirstOrDefault(e => e.Name.LocalName == "AssemblyName")?.Value is { Length: > 0 } name
            ? name
            : Path.GetFileNameWithoutExtension(project);

    private static XDocument Read(string project)
    {
        try
        {
            return XDocument.Load(project);
        }
        catch (XmlException e)
        {
            throw new InvalidSettingException($"{project} is not a project: {e.Message}", e);
        }
    }
}
