using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace MantaLight.Tests.Architecture;

/// <summary>The repository that the tests were built from.</summary>
internal static partial class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>The projects below <c>src</c>, by name.</summary>
    public static IReadOnlyList<string> SourceProjects { get; } =
        [.. Directory.EnumerateDirectories(Path.Combine(Root, "src")).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)];

    /// <summary>Source files below a folder of the repository, as paths from its root with slashes; what builds leave behind is not among them.</summary>
    public static IEnumerable<string> SourceFiles(string folder)
    {
        var full = Path.Combine(Root, folder);
        return !Directory.Exists(full) ? [] : Directory.EnumerateFiles(full, "*.cs", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Root, f).Replace('\\', '/'))
            .Where(f => !f.Split('/').Any(part => part is "bin" or "obj"))
            .Order(StringComparer.Ordinal);
    }

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>A file's code with comments and the content of string literals taken out; line breaks stay.</summary>
    public static string ReadCode(string path) => WithoutCommentsAndStrings(Read(path));

    public static string WithoutCommentsAndStrings(string code) =>
        CommentsAndStrings.Replace(code, m => new string('\n', m.Value.Count(c => c == '\n')));

    /// <summary>The names that a project file refers to by elements of that kind; of projects the file name.</summary>
    public static IReadOnlyList<string> References(string project, string element) =>
        [.. XDocument.Load(Path.Combine(Root, project)).Descendants(element)
            .Select(e => e.Attribute("Include")!.Value.Replace('\\', '/'))
            .Select(i => element == "ProjectReference" ? Path.GetFileNameWithoutExtension(i) : i)
            .Order(StringComparer.Ordinal)];

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MantaLight.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds MantaLight.sln.");
    }

    [GeneratedRegex("""
        //[^\n]*
        | /\*[\s\S]*?\*/
        | \"{3}[\s\S]*?\"{3}
        | @\$?"(?:[^"]|"")*" | \$@"(?:[^"]|"")*"
        | "(?:\\.|[^"\\\n])*"
        | '(?:\\.|[^'\\\n])+'
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex CommentsAndStrings { get; }
}
