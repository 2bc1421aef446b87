using System.Collections.Immutable;

namespace MantaLight.Cli.Data;

/// <summary>Gets a data set of labeled images from wherever it can be had.</summary>
internal interface IImageSources
{
    /// <summary>Reads the data set, downloading it where needed.</summary>
    /// <exception cref="DatasetException">It is not to be had; the message names every source with its reason.</exception>
    Task<(LabeledImages Train, LabeledImages Test)> GetAsync(IProgress<DownloadProgress> progress, CancellationToken cancellationToken);
}

/// <summary>The data sets that the tool gets and shares out by itself.</summary>
internal static class KnownDatasets
{
    /// <summary>Their names.</summary>
    public static ImmutableArray<string> Names { get; } = [MnistPartitions.Mnist, CifarSources.Dataset];

    /// <summary>Whether it is one of them.</summary>
    public static bool Has(string dataset) => Names.Contains(dataset);

    /// <summary>The sources of this machine.</summary>
    /// <param name="dataset">One of <see cref="Names"/>.</param>
    /// <param name="source">A folder with the original files; null for none.</param>
    /// <param name="cache">The folder for downloads; null for the user's.</param>
    public static IImageSources SourcesOf(string dataset, string? source, string? cache) =>
        dataset == CifarSources.Dataset ? CifarSources.Create(source, cache) : MnistSources.Create(source, cache);
}
