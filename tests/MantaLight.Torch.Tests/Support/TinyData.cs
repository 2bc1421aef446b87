using System.Text.Json;
using MantaLight.Weights;

namespace MantaLight.Torch.Tests.Support;

/// <summary>An .npz file of 8 x 8 images whose class shows as a bright third.</summary>
public sealed class TinyData : IAsyncLifetime
{
    public const int TrainCount = 200;
    public const int TestCount = 60;

    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-torch-").FullName;

    public string Path => System.IO.Path.Combine(folder, "tiny.npz");

    public Dictionary<string, string> Mapping => new() { ["tiny"] = Path };

    public async ValueTask InitializeAsync() =>
        await ArrayFile.WriteNpzAsync(Path, [.. Part("train", TrainCount), .. Part("test", TestCount)], compress: false, CancellationToken.None);

    public ValueTask DisposeAsync()
    {
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    internal MemoryAttempt Attempt(string hyperparameters, NamedArrays weights, ulong seed = 42, int threads = 1) =>
        new MemoryAttempt { Seed = seed, Threads = threads, Datasets = Mapping }.With("hyperparameters", hyperparameters).With("global_model_params", weights);

    public static NamedArrays Arrays() => new([.. Part("train", TrainCount), .. Part("test", TestCount)]);

    public static Dictionary<string, JsonElement> Json(string json) => JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(json)!;

    private static NamedArray[] Part(string part, int count)
    {
        var random = new Random(count);
        byte[] x = new byte[count * 64], y = new byte[count];
        for (var i = 0; i < count; i++)
        {
            y[i] = (byte)(i % 3);
            for (var p = 0; p < 64; p++)
                x[(i * 64) + p] = (byte)(random.Next(100) + (p * 3 / 64 == y[i] ? 120 : 0));
        }
        return [new NamedArray("x_" + part, ArrayType.UInt8, [count, 8, 8], x), new NamedArray("y_" + part, ArrayType.UInt8, [count], y)];
    }
}
