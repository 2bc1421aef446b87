using System.Reflection;
using MantaLight.Tasks;
using Microsoft.Extensions.DependencyInjection;

namespace MantaLight.Nodes;

/// <summary>
/// Makes a task and what its constructor asks for: services of the host's container, and concrete classes of the task's
/// own assembly (its models), new for each attempt and disposed with it.
/// </summary>
internal sealed class TaskActivator(IServiceProvider services) : IAsyncDisposable
{
    private const int MaximumDepth = 8;

    private readonly AsyncServiceScope scope = services.CreateAsyncScope();
    private readonly Stack<object> made = new();

    public SwarmTask Create(Type type) => (SwarmTask)Create(type, type.Assembly, 0);

    public async ValueTask DisposeAsync()
    {
        while (made.TryPop(out var instance))
        {
            if (instance is IAsyncDisposable later)
                await later.DisposeAsync();
            else
                (instance as IDisposable)?.Dispose();
        }
        await scope.DisposeAsync();
    }

    private object Create(Type type, Assembly module, int depth)
    {
        if (depth > MaximumDepth)
            throw new ModuleException($"{type.Name} needs itself through its constructors.");
        var constructor = type.GetConstructors().OrderByDescending(c => c.GetParameters().Length).FirstOrDefault()
            ?? throw new ModuleException($"{type.Name} has no public constructor.");
        var arguments = constructor.GetParameters().Select(parameter => Resolve(type, parameter, module, depth)).ToArray();
        var instance = constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, arguments, null);
        made.Push(instance);
        return instance;
    }

    private object? Resolve(Type owner, ParameterInfo parameter, Assembly module, int depth)
    {
        if (scope.ServiceProvider.GetService(parameter.ParameterType) is { } service)
            return service;
        if (parameter.ParameterType is { IsClass: true, IsAbstract: false } own && own.Assembly == module)
            return Create(own, module, depth + 1);
        if (parameter.HasDefaultValue)
            return parameter.DefaultValue;
        throw new ModuleException(
            $"{owner.Name}'s constructor asks for {parameter.ParameterType.Name} '{parameter.Name}', which is neither a service of this node nor a class of {module.GetName().Name}.");
    }
}
