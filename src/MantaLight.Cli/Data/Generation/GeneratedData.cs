using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using MantaLight.Cli.Modules;
using MantaLight.Node;
using MantaLight.Tasks;

namespace MantaLight.Cli.Data.Generation;

/// <summary>What <c>mantalight data generate</c> was asked for.</summary>
internal sealed record GenerationSettings
{
    /// <summary>A module's project folder, or its .dll.</summary>
    public required string Module { get; init; }

    /// <summary>The data set; null where the module has one alone.</summary>
    public string? Dataset { get; init; }

    /// <summary>How many nodes; null as the generator says.</summary>
    public int? Nodes { get; init; }

    /// <summary>Where all randomness comes from.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>The generator's options as <c>key=value</c>; a value is JSON or, where it is not, text.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>The folder that gets <c>{dataset}/node_{i}/{dataset}.…</c>.</summary>
    public required string Output { get; init; }
}

/// <summary>Data that a module's own generator makes.</summary>
internal static class GeneratedData
{
    /// <summary>Makes them.</summary>
    /// <exception cref="ModuleException">The module cannot be had, or has no such generator.</exception>
    /// <exception cref="InvalidSettingException">An option is not possible.</exception>
    /// <exception cref="DatasetException">Files cannot be written.</exception>
    public static async Task MakeAsync(GenerationSettings settings, CliConsole console, CancellationToken cancellationToken)
    {
        var module = ModuleLoader.Load(await ModuleFile.ResolveAsync(settings.Module, console.Out.WriteLine, cancellationToken));
        var generator = Find(module, settings.Dataset);
        var folder = Path.Combine(Path.GetFullPath(settings.Output), generator.Dataset);
        var options = Options(settings.Options);
        string[] folders = [.. Enumerable.Range(0, settings.Nodes ?? generator.Nodes).Select(n => Path.Combine(folder, MnistPartitions.NameOf(n)))];
        try
        {
            RemoveOld(folder);
            foreach (var node in folders)
                Directory.CreateDirectory(node);
            await generator.GenerateAsync(new GeneratorRequest { Folders = folders, Seed = settings.Seed, Options = options }, cancellationToken);
        }
        catch (TaskContractException e)
        {
            throw new InvalidSettingException(e.Message, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException($"{folder} cannot be written: {e.Message}", e);
        }
        console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Generated: {folder} ({folders.Length} {(folders.Length == 1 ? "node" : "nodes")}, seed {settings.Seed})"));
    }

    private static DatasetGenerator Find(Assembly module, string? dataset)
    {
        var name = module.GetName().Name;
        DatasetGenerator[] all = [.. module.GetTypes().Where(t => t.IsSubclassOf(typeof(DatasetGenerator)) && !t.IsAbstract)
            .Select(t => (DatasetGenerator)Activator.CreateInstance(t)!).OrderBy(g => g.Dataset, StringComparer.Ordinal)];
        DatasetGenerator[] fitting = [.. all.Where(g => dataset is null || g.Dataset == dataset)];
        var names = string.Join(", ", all.Select(g => g.Dataset));
        return fitting switch
        {
            [var only] => only,
            _ when all.Length == 0 => throw new ModuleException($"The module {name} generates no data: it has no class that derives from DatasetGenerator."),
            [] => throw new ModuleException($"The module {name} does not generate '{dataset}'; it generates: {names}."),
            _ => throw new ModuleException($"The module {name} generates several data sets: {names}. Say which with --dataset."),
        };
    }

    // Those of an earlier call with more nodes would be taken for parts of this one.
    private static void RemoveOld(string folder)
    {
        if (!Directory.Exists(folder))
            return;
        foreach (var node in Directory.EnumerateDirectories(folder, MnistPartitions.NameOf(0)[..^1] + "*"))
            Directory.Delete(node, recursive: true);
    }

    private static JsonElement Options(IReadOnlyList<string> settings)
    {
        var options = new JsonObject();
        foreach (var setting in settings)
        {
            if (setting.Split('=', 2) is not [{ Length: > 0 } key, var value])
                throw new InvalidSettingException($"--set '{setting}' is not possible; expected is KEY=VALUE, for example alpha=1.");
            options[key] = Value(value);
        }
        return JsonElement.Parse(options.ToJsonString());
    }

    private static JsonNode? Value(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }
}
