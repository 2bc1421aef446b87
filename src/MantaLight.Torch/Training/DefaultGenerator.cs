using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>Which modules draw from torch's default generator when they run in training mode.</summary>
internal static class DefaultGenerator
{
    // The last four have dropout inside; running alone without need costs time, not correctness.
    private static readonly string[] Drawing = ["Dropout", "RReLU", "LSTM", "GRU", "RNN", "Transformer", "Multihead"];

    public static bool IsDrawnFromBy(nn.Module model) =>
        model.modules().Prepend(model).Any(m => Drawing.Any(d => m.GetType().Name.Contains(d, StringComparison.Ordinal)));

    /// <summary>Seeds it; the attempt must run alone.</summary>
    public static void Seed(ulong seed) => random.manual_seed(unchecked((long)Seeds.Derive(seed, Seeds.DefaultGenerator))).Dispose();
}
