using System.Collections.Immutable;
using MantaLight.Protocol;
using MantaLight.Tasks;

namespace MantaLight.Virtual;

/// <summary>A participant without a process or a connection of its own.</summary>
/// <param name="Id">Its node id.</param>
/// <param name="Datasets">Its data.</param>
/// <param name="Sizes">What it tells of its data: names and sizes.</param>
public sealed record VirtualNode(string Id, IDatasetProvider Datasets, ImmutableArray<PresentDataset> Sizes);
