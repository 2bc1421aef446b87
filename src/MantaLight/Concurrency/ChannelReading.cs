using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace MantaLight.Concurrency;

/// <summary>Reading channels without leaving the reader's scheduler, as <see cref="ChannelReader{T}.ReadAllAsync"/> does.</summary>
internal static class ChannelReading
{
    public static async IAsyncEnumerable<T> EachAsync<T>(this ChannelReader<T> reader, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await reader.WaitToReadAsync(cancellationToken))
        {
            while (reader.TryRead(out var item))
                yield return item;
        }
    }

    /// <summary>Waits until there is something to read; false where nothing comes within the patience, or ever.</summary>
    public static async Task<bool> ComesWithinAsync<T>(this ChannelReader<T> reader, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        if (reader.TryPeek(out _))
            return true;
        using var silence = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        try
        {
            return await reader.WaitToReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
