using System.Runtime.CompilerServices;
using MantaLight.Cli.Modules;
using MantaLight.Cli.Swarms;
using MantaLight.Node;
using MantaLight.Swarms;
using MantaLight.Tasks;

namespace MantaLight.Cli.Doctor;

/// <summary>Whether modules load, and the definition fits the target's.</summary>
internal sealed class ModuleCheck(DoctorSettings settings, CliConsole console)
{
    private const string Area = "modules";

    public async IAsyncEnumerable<Finding> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var module in settings.Modules)
            yield return await TryAsync(module, async () => Loaded(await ModuleFile.ResolveAsync(module, console.Error.WriteLine, cancellationToken)));
        if (settings.Target is not { } target)
            yield break;
        SwarmDefinition? definition = null;
        yield return await TryAsync("definition", async () =>
        {
            var source = SwarmSource.Find(target);
            definition = await source.ReadAsync(new DefinitionChanges([]), cancellationToken);
            return Finding.Ok(Area, "definition", $"{source.DefinitionFile} is valid: swarm '{definition.Name}', {definition.Tasks.Length} tasks, {definition.Rounds.Maximum} rounds");
        });
        if (definition is null)
            yield break;
        yield return await TryAsync(definition.Module, async () =>
        {
            var file = await ModuleFile.FindAsync(SwarmSource.Find(target), definition.Module, console.Error.WriteLine, cancellationToken);
            if (file is null)
                return Finding.Warning(Area, definition.Module, "it is neither in the definition's project nor a .dll beside it, so its tasks cannot be checked", "Put the definition into the module's project folder, or the .dll beside it.");
            var catalog = new TaskCatalog([ModuleFile.Load(file, definition)]);
            SwarmValidator.Check(definition, catalog);
            return Finding.Ok(Area, definition.Module, $"{file} loads, and has all tasks and options of the definition: {string.Join(", ", definition.Tasks.Select(t => t.Type).Distinct())}");
        });
    }

    private static Finding Loaded(string file)
    {
        var assembly = ModuleLoader.Load(file);
        string[] tasks = [.. new TaskCatalog([assembly]).Names.Except(new TaskCatalog().Names)];
        return tasks.Length > 0
            ? Finding.Ok(Area, assembly.GetName().Name!, $"{file} loads; its tasks: {string.Join(", ", tasks)}")
            : Finding.Warning(Area, assembly.GetName().Name!, $"{file} loads, but has no task", "A task is a public class that derives from SwarmTask.");
    }

    private static async Task<Finding> TryAsync(string check, Func<Task<Finding>> look)
    {
        try
        {
            return await look();
        }
        catch (MantaLightException e)
        {
            return Finding.Problem(Area, check, e.Message, Remedies.Of(e));
        }
    }
}
