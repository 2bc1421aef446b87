using System.Collections.Immutable;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;

namespace MantaLight.Cli.Data;

/// <summary>How far a download is.</summary>
/// <param name="What">What is downloaded, from where.</param>
/// <param name="Done">Bytes so far.</param>
/// <param name="Total">Bytes in all; null where that is not known.</param>
internal readonly record struct DownloadProgress(string What, long Done, long? Total);

/// <summary>
/// Public HTTPS servers with the zipped files. All are asked at once; the first to answer serves, the others stand by. A cut
/// download is resumed, in the next run too.
/// </summary>
internal sealed class MnistMirrors(HttpMessageHandler handler, ImmutableArray<Uri> mirrors, TimeProvider time)
{
    private const int Attempts = 3;

    /// <summary>No file of the set is larger when zipped.</summary>
    private const long MaximumZippedBytes = 64 * 1024 * 1024;

    /// <summary>How long a mirror may take to answer at all.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a download may stand still.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The known mirrors.</summary>
    public static ImmutableArray<Uri> Known { get; } =
    [
        new("https://ossci-datasets.s3.amazonaws.com/mnist/"),
        new("https://storage.googleapis.com/cvdf-datasets/mnist/"),
    ];

    /// <summary>Downloads, verifies and unzips all files that the folder lacks.</summary>
    /// <exception cref="DatasetException">No mirror served them; the message names each with its reason.</exception>
    public async Task DownloadAsync(MnistFiles files, string folder, IProgress<DownloadProgress> progress, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
        var reasons = new List<string>();
        using var probing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var probes = mirrors.Select(m => ProbeAsync(http, m, files.TestLabels, probing.Token)).ToArray();
        try
        {
            await foreach (var probe in Task.WhenEach(probes).WithCancellation(cancellationToken))
            {
                var (mirror, problem) = await probe;
                cancellationToken.ThrowIfCancellationRequested();
                problem ??= await TryDownloadAllAsync(http, mirror, files, folder, progress, cancellationToken);
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
    private async Task<(Uri Mirror, string? Problem)> ProbeAsync(HttpClient http, Uri mirror, MnistFile file, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(AnswerTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Head, UriOf(mirror, file));
            // The wait is bounded apart from the request: resolving a name cannot be cancelled everywhere.
            using var response = await http.SendAsync(request, both.Token).WaitAsync(both.Token);
            return (mirror, response.IsSuccessStatusCode ? null : $"answered {(int)response.StatusCode} {response.ReasonPhrase}");
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

    private async Task<string?> TryDownloadAllAsync(
        HttpClient http, Uri mirror, MnistFiles files, string folder, IProgress<DownloadProgress> progress, CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(folder);
            foreach (var file in files.All)
            {
                if (!await MnistFiles.IsStoredAsync(file, folder, cancellationToken))
                    await DownloadAsync(http, mirror, file, folder, progress, cancellationToken);
            }
            return null;
        }
        catch (Exception e) when (e is DatasetException or IOException or HttpRequestException or InvalidDataException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    private async Task DownloadAsync(
        HttpClient http, Uri mirror, MnistFile file, string folder, IProgress<DownloadProgress> progress, CancellationToken cancellationToken)
    {
        // Each mirror has its own beginning of a file: two may have zipped it differently.
        var part = Path.Combine(folder, $"{file.Name}.{mirror.Host}.gz.part");
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await FetchAsync(http, UriOf(mirror, file), part, $"{file.Name} from {mirror.Host}", progress, cancellationToken);
                break;
            }
            catch (Exception e) when (attempt < Attempts && e is IOException or HttpRequestException { StatusCode: null })
            {
                // Cut: the next attempt goes on where this one ended.
            }
        }
        try
        {
            await using var zipped = File.OpenRead(part);
            await using var unzipped = new GZipStream(zipped, CompressionMode.Decompress);
            await MnistFiles.StoreAsync(unzipped, file, folder, UriOf(mirror, file).ToString(), cancellationToken);
        }
        finally
        {
            if (!cancellationToken.IsCancellationRequested)
                File.Delete(part);
        }
    }

    private async Task FetchAsync(
        HttpClient http, Uri uri, string part, string what, IProgress<DownloadProgress> progress, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(part, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        using var stall = new CancellationTokenSource(StallTimeout, time);
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
                stall.CancelAfter(StallTimeout);
                if (file.Length + read > MaximumZippedBytes)
                    throw new DatasetException($"{uri} is larger than MNIST.");
                await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                progress.Report(new DownloadProgress(what, file.Length, total));
            }
            if (file.Length < total)
                throw new IOException($"{uri} ended after {file.Length:N0} of {total:N0} bytes");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"{uri} sent nothing for {StallTimeout.TotalSeconds} seconds");
        }
    }

    private static Uri UriOf(Uri mirror, MnistFile file) => new(mirror, $"{file.Name}.gz");
}
