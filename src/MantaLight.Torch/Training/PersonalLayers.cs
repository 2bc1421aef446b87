using System.Text.RegularExpressions;
using MantaLight.Tasks;
using MantaLight.Torch.Weights;
using MantaLight.Weights;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>
/// The tensors of a model that stay on their node (FedPer: Arivazhagan et al. 2019, "Federated Learning with Personalization Layers", the layers nearest to the output; FedBN: Li et al. 2021, "FedBN: Federated
/// Learning on Non-IID Features via Local Batch Normalization", all of batch normalization). The global model has the others alone; the first values of these are a global of their own, which nobody sets again.
/// </summary>
internal sealed class PersonalLayers
{
    private readonly nn.Module model;
    private readonly HashSet<string> names;

    private PersonalLayers(nn.Module model, HashSet<string> names) => (this.model, this.names) = (model, names);

    /// <summary>Their tag: of the first values among the globals, and of a node's own on the node.</summary>
    public static string TagOf(string weights) => $"{weights}_personal";

    /// <summary>Finds them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="patterns">Names of tensors, in which * stands for any letters; null or none for no personal layers.</param>
    /// <returns>Null where there are none.</returns>
    /// <exception cref="TaskContractException">A pattern fits no tensor (the message lists those that there are), or nothing is left to share.</exception>
    public static PersonalLayers? Of(nn.Module model, IReadOnlyList<string>? patterns)
    {
        if (patterns is null or { Count: 0 })
            return null;
        string[] all = [.. model.state_dict().Keys];
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var pattern in patterns)
        {
            var form = new Regex($"^{Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal)}$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
            string[] found = [.. all.Where(name => form.IsMatch(name))];
            if (found.Length == 0)
                throw new TaskContractException($"personal: '{pattern}' fits no tensor of {model.GetType().Name}; there are: {string.Join(", ", all)}. '*' stands for any letters, as in 'output.*'.");
            names.UnionWith(found);
        }
        return names.Count < all.Length ? new PersonalLayers(model, names)
            : throw new TaskContractException($"personal: all tensors of {model.GetType().Name} would stay on their nodes ({string.Join(", ", patterns)}), and nothing would be left to learn together.");
    }

    /// <summary>Whether a tensor stays on its node.</summary>
    public bool Contains(string name) => names.Contains(name);

    /// <summary>Loads the shared tensors from the global model, and the personal ones from this node's own or, where it has none yet, from the first values.</summary>
    /// <exception cref="TaskContractException">There are no first values.</exception>
    /// <exception cref="IncompatibleWeightsException">What there is does not fit the model; the global has personal tensors, say.</exception>
    public async Task LoadAsync(NamedArrays shared, World world, Local local, string weightsTag, CancellationToken cancellationToken)
    {
        var tag = TagOf(weightsTag);
        var kept = await local.State.GetWeightsAsync(tag, cancellationToken);
        if (kept is null && !world.Globals.Contains(tag))
            throw new TaskContractException($"This node has no personal layers yet, and there is no global '{tag}' that they begin with: have the setup task set it, as TorchInitializer does.");
        using var own = kept ?? await world.Globals.GetWeightsAsync(tag, cancellationToken);
        if (shared.FirstOrDefault(a => names.Contains(a.Name)) is { } foreign)
            throw new IncompatibleWeightsException($"The global '{weightsTag}' has '{foreign.Name}', which is personal: let the setup task leave it out, as TorchInitializer does.");
        // In the model's order; what is too much comes last, and is told as such.
        var all = new List<NamedArray>();
        foreach (var name in model.state_dict().Keys)
        {
            if ((names.Contains(name) ? own : shared).TryGet(name, out var array))
                all.Add(array);
        }
        all.AddRange(shared.Where(a => !all.Contains(a)));
        model.Load(new NamedArrays(all));
    }
}
