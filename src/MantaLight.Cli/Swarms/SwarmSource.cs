using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MantaLight.Cli.Modules;
using MantaLight.Swarms;

namespace MantaLight.Cli.Swarms;

/// <summary>What the command line names as a swarm: a definition's file and, where there is one, the project of its module.</summary>
internal sealed record SwarmSource(string DefinitionFile, ModuleProject? Project)
{
    private const string DefinitionName = "swarm.json";

    /// <summary>Finds the definition and the project behind a project folder, a project file or a .json file.</summary>
    /// <exception cref="InvalidSettingException">There is nothing of the kind.</exception>
    public static SwarmSource Find(string path)
    {
        var full = Path.GetFullPath(path);
        if (File.Exists(full) && full.EndsWith(".csproj", StringComparison.OrdinalIgnoreCase))
            full = Path.GetDirectoryName(full)!;
        if (Directory.Exists(full))
        {
            var definition = Path.Combine(full, DefinitionName);
            return File.Exists(definition)
                ? new SwarmSource(definition, ModuleProject.FindIn(full))
                : throw new InvalidSettingException($"The folder {full} has no {DefinitionName}. Give a project folder that has one, or the path of a definition.");
        }
        return File.Exists(full)
            ? new SwarmSource(full, ModuleProject.FindIn(Path.GetDirectoryName(full)!))
            : throw new InvalidSettingException($"{full} is not there. Give a project folder with {DefinitionName}, or the path of a definition.");
    }

    /// <summary>Reads the definition, with changes from the command line, and validates it.</summary>
    /// <exception cref="InvalidSwarmException">It is not valid.</exception>
    /// <exception cref="InvalidSettingException">A change has no place in it, or the file cannot be read.</exception>
    public async Task<SwarmDefinition> ReadAsync(DefinitionChanges changes, CancellationToken cancellationToken)
    {
        byte[] utf8;
        try
        {
            if (new FileInfo(DefinitionFile).Length > SwarmJson.MaximumBytes)
                throw new InvalidSettingException($"{DefinitionFile} is larger than a definition may be ({SwarmJson.MaximumBytes} bytes).");
            utf8 = await File.ReadAllBytesAsync(DefinitionFile, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException($"{DefinitionFile} cannot be read: {e.Message}", e);
        }
        try
        {
            return changes.IsEmpty ? SwarmJson.Parse(utf8) : SwarmJson.Parse(changes.ApplyTo(utf8));
        }
        catch (InvalidSwarmException e)
        {
            throw new InvalidSwarmException($"{DefinitionFile}: {e.Message}", e) { Problems = e.Problems };
        }
    }
}
