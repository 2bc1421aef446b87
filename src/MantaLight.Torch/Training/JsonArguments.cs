using System.Reflection;
using System.Text.Json;
using MantaLight.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>The optional arguments of a factory method of TorchSharp, by the names that JSON gives them.</summary>
internal sealed class JsonArguments
{
    private readonly string what;
    private readonly ParameterInfo[] parameters;
    private readonly Func<ParameterInfo, string> nameOf;

    /// <param name="what">For messages, for example "optimizer SGD".</param>
    /// <param name="parameters">The method's parameters, without those that code supplies.</param>
    /// <param name="nameOf">The name of a parameter in JSON.</param>
    public JsonArguments(string what, IEnumerable<ParameterInfo> parameters, Func<ParameterInfo, string> nameOf)
    {
        this.what = what;
        this.parameters = [.. parameters];
        this.nameOf = nameOf;
    }

    /// <summary>The names that JSON may give.</summary>
    public IEnumerable<string> Names => parameters.Where(p => Kind(p) is not null).Select(nameOf);

    /// <summary>Checks names and kinds of values; makes no tensor.</summary>
    /// <exception cref="TaskContractException">A name is not known (the message lists those that are), or a value is of another kind.</exception>
    public void Check(IReadOnlyDictionary<string, JsonElement> values)
    {
        foreach (var (name, value) in values)
            Convert(Find(name), value, makeTensors: false);
    }

    /// <summary>The arguments, with the method's defaults for those that are not given.</summary>
    /// <exception cref="TaskContractException">As <see cref="Check"/>.</exception>
    public object?[] Bind(IReadOnlyDictionary<string, JsonElement> values)
    {
        Check(values);
        return [.. parameters.Select(p => values.TryGetValue(nameOf(p), out var value)
            ? Convert(p, value, makeTensors: true)
            : p.HasDefaultValue ? p.DefaultValue : 1e-3)]; // SGD's rate alone has no default there; PyTorch's is 1e-3
    }

    private ParameterInfo Find(string name) =>
        Array.Find(parameters, p => nameOf(p) == name && Kind(p) is not null)
        ?? throw new TaskContractException($"The {what} has no parameter '{name}'; it has: {string.Join(", ", Names)}.");

    private object? Convert(ParameterInfo parameter, JsonElement value, bool makeTensors)
    {
        var kind = Kind(parameter)!;
        try
        {
            return kind switch
            {
                _ when kind == typeof(double) => value.GetDouble(),
                _ when kind == typeof(float) => value.GetSingle(),
                _ when kind == typeof(long) => value.GetInt64(),
                _ when kind == typeof(int) => value.GetInt32(),
                _ when kind == typeof(bool) => value.GetBoolean(),
                _ when kind == typeof(nn.Reduction) => Reduction(value.GetString()),
                _ => Numbers(value) is var numbers && makeTensors ? tensor(numbers) : null,
            };
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            var expected = kind == typeof(nn.Reduction) ? "mean or sum" : kind == typeof(Tensor) ? "list of numbers" : kind.Name.ToLowerInvariant();
            throw new TaskContractException($"The {what}'s parameter '{nameOf(parameter)}' is {value.GetRawText()} where a {expected} is expected.", e);
        }
    }

    // "none" gives one loss per sample, from which there is no gradient.
    private static nn.Reduction Reduction(string? name) => name switch
    {
        "mean" => nn.Reduction.Mean,
        "sum" => nn.Reduction.Sum,
        _ => throw new FormatException(),
    };

    private static float[] Numbers(JsonElement value) => [.. value.EnumerateArray().Select(e => e.GetSingle())];

    private static Type? Kind(ParameterInfo parameter)
    {
        var type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        return type == typeof(double) || type == typeof(float) || type == typeof(long) || type == typeof(int)
            || type == typeof(bool) || type == typeof(nn.Reduction) || type == typeof(Tensor)
            ? type
            : null;
    }
}
