using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Blobs;
using MantaLight.Protocol;
using MantaLight.Weights.Sources;

namespace MantaLight.Nodes;

/// <summary>The blobs that an attempt reads and makes: fetched into its node's store and kept there, as long as the attempt is open.</summary>
internal sealed class AttemptBlobs(string swarm, ScheduleAttempt schedule, BlobStore store, BlobFetcher fetcher, int chunkSize, TimeProvider time)
{
    /// <summary>The longest JSON value.</summary>
    public const int MaximumJson = 16 << 20;

    private const int MaximumMissing = 100;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // So that the node knows what its round needs.
    private readonly ConcurrentDictionary<string, bool> touched = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, MissingResult> missing = new(StringComparer.Ordinal);
    private volatile bool isClosed;

    /// <summary>Results that could not be fetched.</summary>
    public ImmutableArray<MissingResult> Missing => [.. missing.Values.OrderBy(m => m.Node, StringComparer.Ordinal).Take(MaximumMissing)];

    /// <summary>Those that the attempt has read or made.</summary>
    public IReadOnlyCollection<string> Touched => [.. touched.Keys.Order(StringComparer.Ordinal)];

    public bool Touches(string hash) => touched.ContainsKey(hash);

    /// <summary>Notes a blob that an earlier process has made for this attempt.</summary>
    public void Touch(string hash) => touched.TryAdd(hash, true);

    /// <summary>Whether the attempt is over, while its task goes on: nothing is fetched, kept or staged any more.</summary>
    public bool IsClosed => isClosed;

    public void Close() => isClosed = true;

    /// <exception cref="OperationCanceledException">The attempt is over.</exception>
    public void CheckOpen()
    {
        if (isClosed)
            throw new OperationCanceledException("The attempt is over.");
    }

    /// <summary>Keeps a value of the attempt's own.</summary>
    public BlobRef Keep(ReadOnlySequence<byte> bytes, string format)
    {
        CheckOpen();
        var blob = store.Write(bytes, chunkSize, format);
        Touch(blob.Sha256);
        // The same content of an earlier attempt may just have been dropped: now that it is known as needed, it stays.
        return store.Contains(blob.Sha256) ? blob : store.Write(bytes, chunkSize, format);
    }

    /// <summary>Fetches a committed global.</summary>
    public Task FetchGlobalAsync(BlobRef blob, CancellationToken cancellationToken)
    {
        Touch(blob.Sha256);
        // What is committed is to be had: the coordinator puts back what the broker has lost, and the deadline bounds the wait.
        return PatientlyAsync(
            () => fetcher.FetchGlobalAsync(swarm, blob, schedule.From, cancellationToken),
            e => e is BlobUnavailableException or BrokerConnectionLostException,
            cancellationToken);
    }

    /// <summary>Fetches a result from who made it.</summary>
    public async Task FetchResultAsync(ScheduledInput input, CancellationToken cancellationToken)
    {
        var hash = input.Staged.Content.Blob!.Sha256;
        Touch(hash);
        try
        {
            await PatientlyAsync(
                () => fetcher.FetchResultAsync(input.Node, input.Staged.Content.Blob!, cancellationToken), e => e is BrokerConnectionLostException, cancellationToken);
        }
        catch (Exception e) when (e is BlobUnavailableException or MalformedDataException)
        {
            missing.TryAdd($"{input.Node}/{hash}", new MissingResult { Node = input.Node, Sha256 = hash });
            throw;
        }
    }

    /// <summary>What a contribution is a difference from: a global of this task's or, where that has been replaced since, the one that came with it.</summary>
    /// <param name="tag">The tag of the contribution.</param>
    /// <param name="hash">The hash of the base.</param>
    /// <param name="sent">What came with it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="IncompatibleWeightsException">It is not to be had.</exception>
    public async Task<BlobRef> FetchBaseAsync(string tag, string hash, BlobRef? sent, CancellationToken cancellationToken)
    {
        BlobRef[] globals = [.. schedule.Globals.Select(g => g.Content.Blob).OfType<BlobRef>().Where(b => b.HoldsWeights)];
        if (globals.FirstOrDefault(b => b.Sha256 == hash) is { } own)
        {
            await FetchGlobalAsync(own, cancellationToken);
            return own;
        }
        if (sent is null || sent.Sha256 != hash)
            throw new IncompatibleWeightsException($"'{tag}' is a difference from {hash}, which is no global that this task has, and came without it.");
        // A contributor's word alone must not cost this node more than a model does; packed ones may be an eighth of what they were, or of what the one before them was.
        if (sent.Size > 8 * globals.Select(b => b.Size).DefaultIfEmpty(0).Max())
            throw new IncompatibleWeightsException($"'{tag}' is a difference from {sent.Size} bytes, where no global that this task has is near as large.");
        Touch(hash);
        try
        {
            // Nobody puts back what is no global any more: it is there until the round is over, or it is not.
            await PatientlyAsync(() => fetcher.FetchGlobalAsync(swarm, sent, schedule.From, cancellationToken), e => e is BrokerConnectionLostException, cancellationToken);
        }
        catch (BlobUnavailableException e)
        {
            throw new IncompatibleWeightsException($"'{tag}' is a difference from {hash}, which has been replaced and is not to be had any more.", e);
        }
        return sent;
    }

    /// <summary>Whether a blob is here.</summary>
    public bool Contains(BlobRef blob) => store.Contains(blob.Sha256);

    /// <summary>Weights that are here, as a file.</summary>
    /// <exception cref="BlobUnavailableException">They are not here.</exception>
    /// <exception cref="MalformedDataException">It is no weights blob.</exception>
    public WeightsFile Open(BlobRef blob)
    {
        var file = store.TryOpen(blob.Sha256) ?? throw new BlobUnavailableException($"Blob {blob.Sha256} is not in this node's store.");
        try
        {
            using var mapped = store.Map(blob);
            return WeightsFile.Open(file, mapped.Content);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>A JSON value that is here.</summary>
    /// <param name="what">What it is, for messages.</param>
    /// <param name="blob">The blob.</param>
    /// <param name="read">Makes of it what is asked for.</param>
    /// <exception cref="TaskContractException">It is no JSON value, or too large.</exception>
    /// <exception cref="MalformedDataException">It is said to be one and is not.</exception>
    public T ReadJson<T>(string what, BlobRef blob, Func<JsonElement, T> read)
    {
        if (blob.Format != ValueFormat.Json || blob.Size > MaximumJson)
            throw new TaskContractException($"The {what} holds {blob.Format} of {blob.Size} bytes, not a JSON value.");
        using var mapped = store.Map(blob);
        try
        {
            using var document = JsonDocument.Parse(mapped.Content, new JsonDocumentOptions { MaxDepth = 32 });
            return read(document.RootElement.Clone());
        }
        catch (JsonException e)
        {
            throw new MalformedDataException($"The {what} is not JSON: {e.Message}", e);
        }
    }

    private async Task PatientlyAsync(Func<Task> fetch, Predicate<Exception> isPassing, CancellationToken cancellationToken)
    {
        while (true)
        {
            CheckOpen();
            try
            {
                await fetch();
                return;
            }
            catch (MantaLightException e) when (isPassing(e))
            {
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }
}
