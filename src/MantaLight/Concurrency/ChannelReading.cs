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
}
