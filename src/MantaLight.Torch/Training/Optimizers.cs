using System.Reflection;
using System.Text.Json;
using MantaLight.Tasks;
using MantaLight.Torch.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>Every optimizer of TorchSharp, by its PyTorch name.</summary>
public static class Optimizers
{
    // TorchSharp's spelling, where it is not PyTorch's.
    private static readonly Dictionary<string, string> ParameterNames = new(StringComparer.Ordinal)
    {
        ["learningRate"] = "lr",
        ["tolerange_grad"] = "tolerance_grad",
    };

    // PyTorch gives these as pairs.
    private static readonly Dictionary<string, (string First, string Second)> Pairs = new(StringComparer.Ordinal)
    {
        ["betas"] = ("beta1", "beta2"),
        ["etas"] = ("etaminus", "etaplus"),
        ["step_sizes"] = ("min_step", "max_step"),
    };

    private static readonly SortedDictionary<string, MethodInfo> Factories = FindFactories();

    /// <summary>The names, in ordinal order.</summary>
    public static IReadOnlyCollection<string> Names => Factories.Keys;

    /// <summary>Makes an optimizer.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="parameters">What it optimizes.</param>
    /// <param name="values">Its own parameters by PyTorch's names; TorchSharp's defaults for the others.</param>
    /// <exception cref="TaskContractException">The name or a parameter is not known (the message lists those that are), or a value is out of place.</exception>
    public static optim.Optimizer Create(string name, IEnumerable<Parameter> parameters, IReadOnlyDictionary<string, JsonElement> values)
    {
        TorchRuntime.EnsureLoaded();
        var factory = Find(name);
        var arguments = Arguments(name, factory).Bind(Unpair(name, factory, values));
        try
        {
            return (optim.Optimizer)factory.Invoke(null, [parameters, .. arguments])!;
        }
        catch (TargetInvocationException e) when (e.InnerException is not null)
        {
            throw new TaskContractException($"The optimizer {name} refuses its parameters: {e.InnerException.Message}", e.InnerException);
        }
    }

    internal static void Check(string name, IReadOnlyDictionary<string, JsonElement> values)
    {
        var factory = Find(name);
        Arguments(name, factory).Check(Unpair(name, factory, values));
    }

    /// <summary>What an optimizer's parameters may be called in JSON.</summary>
    internal static IEnumerable<string> ParametersOf(string name) => Arguments(name, Find(name)).Names;

    private static MethodInfo Find(string name) =>
        Factories.TryGetValue(name, out var factory)
            ? factory
            : throw new TaskContractException($"Optimizer '{name}' is not known; known are: {string.Join(", ", Names)}.");

    private static JsonArguments Arguments(string name, MethodInfo factory) =>
        new($"optimizer {name}", factory.GetParameters().Skip(1), p => ParameterNames.GetValueOrDefault(p.Name!, p.Name!));

    private static Dictionary<string, JsonElement> Unpair(string name, MethodInfo factory, IReadOnlyDictionary<string, JsonElement> values)
    {
        var single = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (key, value) in values)
        {
            if (!Pairs.TryGetValue(key, out var pair) || !factory.GetParameters().Any(p => p.Name == pair.First))
            {
                single[key] = value;
                continue;
            }
            if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() != 2)
                throw new TaskContractException($"The optimizer {name}'s parameter '{key}' is {value.GetRawText()} where a list of two numbers is expected.");
            (single[pair.First], single[pair.Second]) = (value[0], value[1]);
        }
        return single;
    }

    private static SortedDictionary<string, MethodInfo> FindFactories()
    {
        var found = new SortedDictionary<string, MethodInfo>(StringComparer.Ordinal);
        foreach (var method in typeof(optim).GetMethods(BindingFlags.Public | BindingFlags.Static))
        {
            if (method.ReturnType.IsSubclassOf(typeof(optim.Optimizer)) && method.GetParameters() is [var first, ..] && first.ParameterType == typeof(IEnumerable<Parameter>))
                found[method.Name == "RMSProp" ? "RMSprop" : method.Name] = method;
        }
        return found;
    }
}
