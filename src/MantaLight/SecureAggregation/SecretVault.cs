using System.Globalization;
using System.Security.Cryptography;
using MantaLight.Storage;

namespace MantaLight.SecureAggregation;

/// <summary>
/// A node's secrets between the stages of a round. What is there is never replaced: an attempt that is repeated finds the keys, the roster and the survivors that the first one had, whatever it is told.
/// A round's are gone when a later one begins, or when the round is over, and do not come again.
/// </summary>
internal abstract class SecretVault
{
    /// <summary>The name of the identity's seed.</summary>
    protected const string IdentityName = "identity";

    private const string Begun = "begun";

    private readonly Lock gate = new();

    /// <summary>The seed of the node's identity, drawn once and kept.</summary>
    public byte[] Identity => GetOrAdd(IdentityName, () => RandomNumberGenerator.GetBytes(32));

    /// <summary>The identity that another node was first seen with: this one, where it is seen for the first time.</summary>
    /// <returns>The identity, and whether it is new.</returns>
    public (byte[] Identity, bool IsNew) Pin(string node, byte[] identity)
    {
        var isNew = false;
        var pinned = GetOrAdd($"pin.{node}", () =>
        {
            isNew = true;
            return identity;
        });
        return (pinned, isNew);
    }

    /// <summary>What is kept of a round, or else what is made now: kept before it is returned.</summary>
    /// <exception cref="TaskContractException">The round is over.</exception>
    public byte[] GetOrAdd(SecureRound round, string what, Func<byte[]> make)
    {
        lock (gate)
        {
            Begin(round);
            return GetOrAdd(NameOf(round, what), make);
        }
    }

    /// <summary>What is kept of a round; null where nothing is.</summary>
    public byte[]? Find(SecureRound round, string what)
    {
        lock (gate)
            return Read(NameOf(round, what));
    }

    /// <summary>Forgets a swarm's secrets but those of a round that goes on; that a round has begun is remembered.</summary>
    /// <param name="swarm">The swarm.</param>
    /// <param name="run">The run that goes on; null for none.</param>
    /// <param name="round">The round that goes on.</param>
    public void Forget(string swarm, string? run, int round)
    {
        lock (gate)
        {
            foreach (var (name, parts) in Of(swarm).Where(n => (n.Parts[1] != run || RoundOf(n.Parts) < round) && n.Parts[3] != Begun))
                Delete(name);
        }
    }

    protected abstract byte[]? Read(string name);

    protected abstract void Write(string name, byte[] content);

    protected abstract void Delete(string name);

    protected abstract IEnumerable<string> Names();

    private void Begin(SecureRound round)
    {
        if (Read(NameOf(round, Begun)) is not null)
            return;
        var known = Of(round.Swarm).ToArray();
        if (known.Any(n => n.Parts[1] == round.Run && RoundOf(n.Parts) > round.Round))
            throw new TaskContractException($"Round {round.Round} is over: this node has begun a later one, and has no secrets of it any more.");
        Write(NameOf(round, Begun), [1]);
        foreach (var (name, _) in known)
            Delete(name);
    }

    private byte[] GetOrAdd(string name, Func<byte[]> make)
    {
        lock (gate)
        {
            if (Read(name) is { } known)
                return known;
            var made = make();
            Write(name, made);
            return made;
        }
    }

    private IEnumerable<(string Name, string[] Parts)> Of(string swarm) =>
        [.. Names().Select(name => (Name: name, Parts: name.Split('.'))).Where(n => n.Parts.Length == 4 && n.Parts[0] == swarm)];

    private static int RoundOf(string[] parts) => int.Parse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture);

    // Ids and runs have no dots.
    private static string NameOf(SecureRound round, string what) => string.Create(CultureInfo.InvariantCulture, $"{round.Swarm}.{round.Run}.{round.Round}.{what}");
}

/// <summary>In memory: of a virtual node.</summary>
internal sealed class MemoryVault : SecretVault
{
    private readonly Dictionary<string, byte[]> kept = new(StringComparer.Ordinal);

    /// <summary>With an identity of its own, or that one.</summary>
    public MemoryVault(byte[]? identity = null)
    {
        if (identity is not null)
            kept[IdentityName] = identity;
    }

    protected override byte[]? Read(string name) => kept.GetValueOrDefault(name);

    protected override void Write(string name, byte[] content) => kept[name] = content;

    protected override void Delete(string name) => kept.Remove(name);

    protected override IEnumerable<string> Names() => kept.Keys;
}

/// <summary>In a folder of the node's that its owner alone can read; on the disk before anything rests on it.</summary>
internal sealed class DiskVault(IDisk disk) : SecretVault
{
    private const string Folder = "secrets";
    private const int Most = 256 << 20;

    protected override byte[]? Read(string name)
    {
        var file = $"{Folder}/{name}";
        if (SealedFile.Read(disk, file, Most) is { } content)
            return content.ToArray();
        // What cannot be read is not made anew: others may know what it was.
        return disk.Exists(file) ? throw new NodeStorageException($"The node's file {file} is spoiled. It holds a secret that must not be replaced by another: restore it, or delete it and have the others forget this node's identity.") : null;
    }

    protected override void Write(string name, byte[] content)
    {
        disk.Seclude(Folder);
        SealedFile.Write(disk, $"{Folder}/{name}", content, Flush.First);
    }

    protected override void Delete(string name) => disk.Delete($"{Folder}/{name}");

    protected override IEnumerable<string> Names() => disk.List(Folder).Select(file => file.Name[(Folder.Length + 1)..]);
}
