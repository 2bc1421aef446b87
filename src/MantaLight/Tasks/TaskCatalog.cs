using System.Reflection;
using MantaLight.Diagnostics;

namespace MantaLight.Tasks;

/// <summary>
/// The tasks that a definition can name: the concrete <see cref="SwarmTask"/> classes of its modules by simple name, and
/// behind them those built in, so that a module can have a <c>FedAvg</c> of its own. Case and underscores do not matter.
/// </summary>
public sealed class TaskCatalog
{
    private readonly ILookup<string, Type> own;
    private readonly ILookup<string, Type> builtIn;
    private readonly string modules;

    /// <summary>Finds the tasks of these modules and the built-in ones.</summary>
    /// <exception cref="ModuleException">A module's types cannot be loaded, for example because a library that it needs is missing.</exception>
    public TaskCatalog(params IEnumerable<Assembly> modules)
    {
        var core = typeof(SwarmTask).Assembly;
        Assembly[] others = [.. modules.Distinct().Where(m => m != core)];
        own = others.SelectMany(TasksOf).ToLookup(t => KnownNames.Plain(t.Name), StringComparer.Ordinal);
        builtIn = TasksOf(core).ToLookup(t => KnownNames.Plain(t.Name), StringComparer.Ordinal);
        this.modules = others.Length == 0 ? "" : " of " + string.Join(", ", others.Select(m => m.GetName().Name));
        Names = [.. NamesOf(own).Concat(NamesOf(builtIn)).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>The simple names of all tasks: the modules' first, each in ordinal order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The task class of that name.</summary>
    /// <param name="type">As in a definition: <c>FedAvg</c>, <c>fed_avg</c>.</param>
    /// <exception cref="ModuleException">No task has that name (the message lists the known ones), or several have.</exception>
    public Type Resolve(string type)
    {
        var plain = KnownNames.Plain(type);
        Type[] found = [.. own[plain]];
        if (found.Length == 0)
            found = [.. builtIn[plain]];
        return found switch
        {
            [var only] => only,
            [] => throw new ModuleException(
                $"{KnownNames.Quote(type)} is no task{modules} and none is built in under that name{DidYouMean(type)}; known are: {KnownNames.List(Names)}."),
            _ => throw new ModuleException(
                $"{KnownNames.Quote(type)} can be {string.Join(" or ", found.Select(t => $"{t.FullName} of {t.Assembly.GetName().Name}"))}; rename all of them but one."),
        };
    }

    /// <summary>The type of a task's options; null where it takes none.</summary>
    public static Type? OptionsOf(Type task) => task.GetCustomAttribute<TaskOptionsAttribute>()?.OptionsType;

    private string DidYouMean(string type) => KnownNames.Nearest(type, Names) is { } near ? $" (did you mean '{near}'?)" : "";

    private static IEnumerable<string> NamesOf(ILookup<string, Type> tasks) => tasks.SelectMany(t => t).Select(t => t.Name).Order(StringComparer.Ordinal);

    private static IEnumerable<Type> TasksOf(Assembly module)
    {
        try
        {
            return module.GetTypes().Where(t => t.IsSubclassOf(typeof(SwarmTask)) && !t.IsAbstract && !t.ContainsGenericParameters);
        }
        catch (ReflectionTypeLoadException e)
        {
            var reasons = e.LoaderExceptions.OfType<Exception>().Select(x => x.Message).Distinct(StringComparer.Ordinal).Take(3);
            throw new ModuleException(
                $"The module {module.GetName().Name} ({module.Location}) cannot be loaded: {string.Join(" ", reasons)} Put the libraries that it needs beside it.", e);
        }
    }
}
