using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Privacy;
using MantaLight.Storage;

namespace MantaLight.Nodes;

/// <summary>A node's books on its disk, one for each swarm whatever its runs: its data are the same. They stay when a swarm is removed.</summary>
internal sealed class PrivacyBooks(IDisk disk)
{
    private const string Folder = "privacy";
    private const int Longest = 1 << 20;

    private readonly Lock gate = new();

    private IDisk Disk => disk;

    /// <summary>The book of a swarm.</summary>
    public PrivacyBook Of(string swarm, int roundsBefore = 0) => new OnDisk(this, $"{Folder}/{swarm}") { RoundsBefore = roundsBefore };

    private ImmutableSortedDictionary<string, PrivacyLedger> Read(string name)
    {
        if (!disk.Exists(name))
            return ImmutableSortedDictionary.Create<string, PrivacyLedger>(StringComparer.Ordinal);
        try
        {
            if (SealedFile.Read(disk, name, Longest) is { } content && JsonSerializer.Deserialize(content.Span, PrivacyBookJson.Default.ImmutableSortedDictionaryStringPrivacyLedger) is { } ledgers)
                return ledgers.WithComparers(StringComparer.Ordinal);
        }
        catch (JsonException)
        {
            // As if it had not the hash.
        }
        throw new DatasetException($"The book of what has been spent of these data's privacy is spoiled ({name} in the node's state folder), so nobody knows what may still be spent. Delete it to begin anew.");
    }

    private sealed class OnDisk(PrivacyBooks books, string name) : PrivacyBook
    {
        public override PrivacyLedger Spend(string what, Func<PrivacyLedger, PrivacyLedger> spend)
        {
            lock (books.gate)
            {
                var ledgers = books.Read(name);
                var before = ledgers.GetValueOrDefault(what, PrivacyLedger.Empty);
                var after = spend(before);
                if (!ReferenceEquals(after, before))
                    SealedFile.Write(books.Disk, name, JsonSerializer.SerializeToUtf8Bytes(ledgers.SetItem(what, after), PrivacyBookJson.Default.ImmutableSortedDictionaryStringPrivacyLedger), Flush.First);
                return after;
            }
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ImmutableSortedDictionary<string, PrivacyLedger>))]
internal sealed partial class PrivacyBookJson : JsonSerializerContext;
