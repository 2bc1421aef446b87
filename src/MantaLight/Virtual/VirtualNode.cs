using System.Collections.Immutable;
using MantaLight.Attacks;
using MantaLight.Protocol;
using MantaLight.Tasks;

namespace MantaLight.Virtual;

/// <summary>A participant without a process or a connection of its own.</summary>
/// <param name="Id">Its node id.</param>
/// <param name="Datasets">Its data.</param>
/// <param name="Sizes">What it tells of its data: names and sizes.</param>
public sealed record VirtualNode(string Id, IDatasetProvider Datasets, ImmutableArray<PresentDataset> Sizes)
{
    /// <summary>What it sends in place of the weights that its tasks add as results.</summary>
    /// <value>Null: it is honest.</value>
    public ContributionAttack? Attack { get; init; }
}
