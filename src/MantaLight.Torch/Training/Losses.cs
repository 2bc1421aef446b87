using System.Reflection;
using System.Text.Json;
using MantaLight.Tasks;
using MantaLight.Torch.Training;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>Every loss of TorchSharp, by its PyTorch name.</summary>
public static class Losses
{
    private static readonly SortedDictionary<string, MethodInfo> Factories = FindFactories();

    /// <summary>The names, in ordinal order.</summary>
    public static IReadOnlyCollection<string> Names => Factories.Keys;

    /// <summary>Makes a loss; dispose it when done.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="values">Its parameters by PyTorch's names (weights as lists of numbers); defaults for the others.</param>
    /// <exception cref="TaskContractException">The name or a parameter is not known (the message lists those that are), or a value is out of place.</exception>
    public static LossFunction Create(string name, IReadOnlyDictionary<string, JsonElement>? values = null)
    {
        TorchRuntime.EnsureLoaded();
        var given = new Dictionary<string, JsonElement>(values ?? new Dictionary<string, JsonElement>(), StringComparer.Ordinal);
        if (name == "KLDivLoss")
            given.TryAdd("log_target", JsonElement.Parse("false")); // PyTorch's default; TorchSharp's is the opposite
        var factory = Find(name);
        return new LossFunction(name, (nn.Module)factory.Invoke(null, Arguments(name, factory).Bind(given))!);
    }

    internal static void Check(string name, IReadOnlyDictionary<string, JsonElement>? values)
    {
        var arguments = Arguments(name, Find(name));
        if (values is not null)
            arguments.Check(values);
    }

    private static MethodInfo Find(string name) =>
        Factories.TryGetValue(name, out var factory)
            ? factory
            : throw new TaskContractException($"Loss '{name}' is not known; known are: {string.Join(", ", Names)}.");

    private static JsonArguments Arguments(string name, MethodInfo factory) =>
        new($"loss {name}", factory.GetParameters(), p => p.Name == "pos_weights" ? "pos_weight" : p.Name!);

    private static SortedDictionary<string, MethodInfo> FindFactories()
    {
        var found = new SortedDictionary<string, MethodInfo>(StringComparer.Ordinal);
        foreach (var method in typeof(nn).GetMethods(BindingFlags.Public | BindingFlags.Static))
        {
            if (method.Name.EndsWith("Loss", StringComparison.Ordinal) && method.ReturnType.IsSubclassOf(typeof(nn.Module)))
                found[method.Name] = method;
        }
        return found;
    }
}
