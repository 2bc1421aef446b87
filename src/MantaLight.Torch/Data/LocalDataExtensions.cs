using MantaLight.Tasks;

namespace MantaLight.Torch;

/// <summary>A node's data as tensors.</summary>
public static class LocalDataExtensions
{
    /// <summary>The samples and targets of a data set's .npz file: x_train and y_train, or x_test and y_test.</summary>
    /// <exception cref="DatasetException">Not mapped, not there, or without those arrays.</exception>
    public static async Task<TensorDataset> GetTrainingDataAsync(this Local local, string dataset, bool train, CancellationToken cancellationToken)
    {
        string[] names = TensorDataset.NamesOf(train);
        using var part = await local.GetDataAsync(dataset, names.Contains, cancellationToken);
        if (part.Count == names.Length)
            return TensorDataset.From(part, dataset, train);
        // It says which one is missing, and what there is instead.
        using var all = await local.GetDataAsync(dataset, cancellationToken);
        return TensorDataset.From(all, dataset, train);
    }

    /// <summary>Batches of a data set; dispose the loader when done.</summary>
    /// <param name="local">The node's data.</param>
    /// <param name="dataset">A mapped name.</param>
    /// <param name="train">Whether the training part is wanted.</param>
    /// <param name="batchSize">Samples of a batch, at least 1.</param>
    /// <param name="seed">Where the order of each epoch comes from; null keeps the file's order.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="DatasetException">Not mapped, not there, or without those arrays.</exception>
    public static async Task<DataLoader> GetDataLoaderAsync(
        this Local local, string dataset, bool train, int batchSize, ulong? seed, CancellationToken cancellationToken) =>
        new(await local.GetTrainingDataAsync(dataset, train, cancellationToken), batchSize, seed);
}
