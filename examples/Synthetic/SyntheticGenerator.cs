using System.Runtime.InteropServices;
using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Examples.Synthetic;

/// <summary>Writes a user's samples for each node: nine tenths to train with, the rest to test with.</summary>
public sealed class SyntheticGenerator : DatasetGenerator
{
    /// <summary>The data set's name.</summary>
    public const string Name = "synthetic";

    /// <inheritdoc/>
    public override string Dataset => Name;

    /// <inheritdoc/>
    public override int Nodes => 30;

    /// <inheritdoc/>
    public override async Task GenerateAsync(GeneratorRequest request, CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<SyntheticOptions>(request.Options, "options of synthetic");
        foreach (var (folder, user) in request.Folders.Zip(SyntheticUsers.Make(request.Folders.Count, options, request.Seed)))
        {
            var train = user.Count * 9 / 10;
            NamedArray[] arrays = [.. Part("train", user, 0, train), .. Part("test", user, train, user.Count - train)];
            await ArrayFile.WriteNpzAsync(Path.Combine(folder, $"{Name}.npz"), arrays, compress: false, cancellationToken);
        }
    }

    private static IEnumerable<NamedArray> Part(string name, SyntheticUser user, int first, int count)
    {
        yield return new NamedArray(
            $"x_{name}", ArrayType.Float32, [count, SyntheticUsers.Inputs],
            MemoryMarshal.AsBytes(user.Samples.AsSpan(first * SyntheticUsers.Inputs, count * SyntheticUsers.Inputs)).ToArray());
        yield return new NamedArray($"y_{name}", ArrayType.Int64, [count], MemoryMarshal.AsBytes(user.Labels.AsSpan(first, count)).ToArray());
    }
}
