using MantaLight.Tasks;

namespace MantaLight.SecureAggregation;

/// <summary>Reads what the stages before have told.</summary>
internal static class SecureHearing
{
    /// <summary>What nodes have told; who has told nothing that can be read is left out.</summary>
    public static async Task<Dictionary<string, byte[]>> HeardAsync(World world, string tag, CancellationToken cancellationToken)
    {
        var heard = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var result in world.Results.Select(tag).Where(r => r.Samples is null))
        {
            if (await ReadAsync(result, cancellationToken) is { } bytes)
                heard.TryAdd(result.Node, bytes);
        }
        return heard;
    }

    /// <summary>What a node has told; null where that cannot be had, as if the node had gone.</summary>
    public static async Task<byte[]?> ReadAsync(Result result, CancellationToken cancellationToken)
    {
        try
        {
            return SecureTags.Bytes(await result.GetAsync<SecureText>(cancellationToken));
        }
        catch (Exception e) when (e is BlobUnavailableException or MalformedDataException or TaskContractException)
        {
            return null;
        }
    }

    /// <summary>The public keys.</summary>
    public static async Task<List<(string Node, string? Keys)>> KeysAsync(World world, CancellationToken cancellationToken) =>
        [.. (await HeardAsync(world, SecureTags.Keys, cancellationToken)).Select(k => (k.Key, (string?)Convert.ToBase64String(k.Value)))];

    /// <summary>Whose contributions are in the sum.</summary>
    public static async Task<string[]> SurvivorsAsync(World world, CancellationToken cancellationToken) => world.Results.Select(SecureTags.Survivors) is [var only]
        ? (await only.GetAsync<SecureSurvivors>(cancellationToken)).Nodes
        : throw new TaskContractException("No task before has told who the survivors are.");
}
