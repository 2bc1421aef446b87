using System.Collections.Immutable;
using System.Net;
using System.Net.Http.Headers;

namespace MantaLight.Cli.Data;

/// <summary>How far a download is.</summary>
/// <param name="What">What is downloaded, from where.</param>
/// <param name="Done">Bytes so far.</param>
/// <param name="Total">Bytes in all; null where that is not known.</param>
internal readonly record struct DownloadProgress(string What, long Done, long? Total);

/// <summary>
/// Public HTTPS servers with the same files. All are asked at once; the first to answer serves, the others stand by. A cut
/// download is resumed, in the next run too.
/// </summary>
internal sealed class Mirrors(HttpMessageHandler handler, ImmutableArray<Uri> roots, TimeProvider time)
{
    /// <summary>How long a mirror may take to answer at all.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a download may stand still.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Lets a mirror that has a file do some work; where that fails, the next one.</summary>
    /// <param name="file">The file that is asked for.</param>
    /// <param name="work">Fetches what is wanted.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="DatasetException">No mirror served; the message names each with its reason.</exception>
    public async Task UseFirstAsync(string file, Func<Mirror, Task> work, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
        var reasons = new List<string>();
        using var probing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var probes = roots.Select(root => ProbeAsync(new Mirror(http, root, StallTimeout, time), file, probing.Token)).ToArray();
        try
        {
            await foreach (var probe in Task.WhenEach(probes).WithCancellation(cancellationToken))
            {
                var (mirror, problem) = await probe;
                cancellationToken.ThrowIfCancellationRequested();
                problem ??= await TryAsync(work, mirror);
                if (problem is null)
                    return;
                reasons.Add($"{mirror.Host}: {problem}");
            }
        }
        finally
        {
            await probing.CancelAsync();
            await Task.WhenAll(probes);
        }
        throw new DatasetException(string.Join("; ", reasons));
    }

    /// <summary>Whether a mirror serves at all; answers within seconds, also where packets just vanish.</summary>
    private async Task<(Mirror Mirror, string? Problem)> ProbeAsync(Mirror mirror, string file, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(AnswerTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return (mirror, await mirror.ProbeAsync(file, both.Token));
        }
        catch (OperationCanceledException)
        {
            return (mirror, $"no answer within {AnswerTimeout.TotalSeconds} seconds");
        }
        catch (HttpRequestException e)
        {
            return (mirror, e.Message);
        }
    }

    private static async Task<string?> TryAsync(Func<Mirror, Task> work, Mirror mirror)
    {
        try
        {
            await work(mirror);
            return null;
        }
        catch (Exception e) when (e is DatasetException or IOException or HttpRequestException or InvalidDataException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }
}

/// <summary>One of them.</summary>
internal sealed class Mirror(HttpClient http, Uri root, TimeSpan stallTimeout, TimeProvider time)
{
    private const int Attempts = 3;

    /// <summary>Its name.</summary>
    public string Host => root.Host;

    /// <summary>Where it has a file.</summary>
    public Uri UriOf(string file) => new(root, file);

    /// <summary>Asks for a file without taking it; why it is not to be had, or null.</summary>
    public async Task<string?> ProbeAsync(string file, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, UriOf(file));
        // The wait is bounded apart from the request: resolving a name cannot be cancelled everywhere.
        using var response = await http.SendAsync(request, cancellationToken).WaitAsync(cancellationToken);
        return response.IsSuccessStatusCode ? null : $"answered {(int)response.StatusCode} {response.ReasonPhrase}";
    }

    /// <summary>Fetches a file, going on where an earlier attempt was cut.</summary>
    /// <param name="file">Its name.</param>
    /// <param name="part">Where it goes; what is there already is its beginning.</param>
    /// <param name="what">For <paramref name="progress"/>.</param>
    /// <param name="maximumBytes">More is refused.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task FetchAsync(string file, string part, string what, long maximumBytes, IProgress<DownloadProgress> progress, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await FetchOnceAsync(UriOf(file), part, what, maximumBytes, progress, cancellationToken);
                return;
            }
            catch (Exception e) when (attempt < Attempts && e is IOException or HttpRequestException { StatusCode: null })
            {
                // Cut: the next attempt goes on where this one ended.
            }
        }
    }

    private async Task FetchOnceAsync(Uri uri, string part, string what, long maximumBytes, IProgress<DownloadProgress> progress, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(part, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        using var stall = new CancellationTokenSource(stallTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stall.Token, cancellationToken);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, uri);
            if (file.Length > 0)
                request.Headers.Range = new RangeHeaderValue(file.Length, null);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && response.Content.Headers.ContentRange?.Length == file.Length)
                return; // it is complete
            response.EnsureSuccessStatusCode();
            var resumed = response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From == file.Length;
            file.SetLength(resumed ? file.Length : 0);
            file.Seek(0, SeekOrigin.End);
            var total = file.Length + response.Content.Headers.ContentLength;
            await using var content = await response.Content.ReadAsStreamAsync(both.Token);
            var buffer = new byte[64 * 1024];
            progress.Report(new DownloadProgress(what, file.Length, total));
            while (await content.ReadAsync(buffer, both.Token) is > 0 and var read)
            {
                stall.CancelAfter(stallTimeout);
                if (file.Length + read > maximumBytes)
                    throw new DatasetException($"{uri} is larger than {maximumBytes:N0} bytes, so it is not what it should be.");
                await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                progress.Report(new DownloadProgress(what, file.Length, total));
            }
            if (file.Length < total)
                throw new IOException($"{uri} ended after {file.Length:N0} of {total:N0} bytes");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"{uri} sent nothing for {stallTimeout.TotalSeconds} seconds");
        }
    }
}
