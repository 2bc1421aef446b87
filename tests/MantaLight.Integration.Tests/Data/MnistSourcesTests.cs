using System.Net;
using System.Net.Http.Headers;
using MantaLight.Cli.Data;

namespace MantaLight.Integration.Tests.Data;

public sealed class MnistSourcesTests : IDisposable
{
    private readonly SmallMnist small = new();
    private readonly NotedProgress progress = new();

    public void Dispose() => small.Dispose();

    [Fact]
    public async Task A_mirror_fills_the_cache_and_the_cache_serves_from_then_on()
    {
        using var mirror = new Mirror(small);
        await Sources(mirror).GetAsync(progress, CancellationToken.None);
        Assert.Contains(progress.Reports, r => r.What == "train-images-idx3-ubyte from b.test" && r.Done == r.Total);
        Assert.Equal(small.Bytes.Keys.Order(), Directory.GetFiles(small.Folder("cache")).Select(Path.GetFileName).Order());

        var requests = mirror.Requests;
        await Sources(mirror).GetAsync(progress, CancellationToken.None);
        Assert.Equal(requests, mirror.Requests);
    }

    [Fact]
    public async Task A_cut_download_goes_on_where_it_was_cut()
    {
        using var mirror = new Mirror(small) { CutFirst = "train-images-idx3-ubyte" };
        await Sources(mirror).GetAsync(progress, CancellationToken.None);
        Assert.Equal(1, mirror.Resumed);
    }

    [Fact]
    public async Task A_damaged_cache_is_repaired()
    {
        Directory.CreateDirectory(small.Folder("cache"));
        File.WriteAllBytes(Path.Combine(small.Folder("cache"), "train-labels-idx1-ubyte"), [1, 2, 3]);
        using var mirror = new Mirror(small);
        var (train, _) = await Sources(mirror).GetAsync(progress, CancellationToken.None);
        Assert.Equal(SmallMnist.TrainCount, train.Labels.Data.Length);
    }

    [Fact]
    public async Task Npm_serves_where_no_mirror_does_and_only_the_four_files_are_taken()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The npm of this test is a shell script.");
        using var mirror = new Mirror(small) { Status = HttpStatusCode.Forbidden };
        var (_, test) = await Sources(mirror, small.Npm(small.Bytes)).GetAsync(progress, CancellationToken.None);
        Assert.Equal(SmallMnist.TestCount, test.Labels.Data.Length);
        Assert.Equal(4, Directory.GetFiles(small.Folder(""), "*", SearchOption.AllDirectories).Count(f => f.Contains("cache", StringComparison.Ordinal)));
        Assert.False(File.Exists(Path.GetFullPath(small.Folder("cache/../../escaped"))));
    }

    [Fact]
    public async Task Every_source_that_failed_is_named_with_its_reason_and_what_to_do()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The npm of this test is a shell script.");
        using var mirror = new Mirror(small) { Silent = true };
        var refusal = await Assert.ThrowsAsync<DatasetException>(() =>
            Sources(mirror, small.Script("echo 'npm error network: no way' >&2; exit 1")).GetAsync(progress, CancellationToken.None));
        foreach (var part in new[] { small.Folder("cache"), "a.test: no route", "b.test: no answer within", "no way", "train-images-idx3-ubyte", "--source" })
            Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_package_with_other_files_is_refused()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The npm of this test is a shell script.");
        using var mirror = new Mirror(small) { Status = HttpStatusCode.NotFound };
        var changed = new Dictionary<string, byte[]>(small.Bytes) { ["train-labels-idx1-ubyte"] = [0, 0, 8, 1, 0, 0, 0, 0] };
        var refusal = await Assert.ThrowsAsync<DatasetException>(() => Sources(mirror, small.Npm(changed)).GetAsync(progress, CancellationToken.None));
        Assert.Contains("404", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("is not MNIST's train-labels-idx1-ubyte", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_npm_is_a_reason()
    {
        using var mirror = new Mirror(small) { Status = HttpStatusCode.NotFound };
        var refusal = await Assert.ThrowsAsync<DatasetException>(() => Sources(mirror).GetAsync(progress, CancellationToken.None));
        Assert.Contains("npm is not on PATH", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_named_folder_is_the_only_source()
    {
        using var mirror = new Mirror(small);
        var sources = Sources(mirror, source: small.Folder("nowhere"));
        var refusal = await Assert.ThrowsAsync<DatasetException>(() => sources.GetAsync(progress, CancellationToken.None));
        Assert.Contains(small.Folder("nowhere"), refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, mirror.Requests);
    }

    [Fact]
    public async Task Cancelling_stops_a_download()
    {
        using var mirror = new Mirror(small) { Silent = true };
        using var cancellation = new CancellationTokenSource();
        var download = Sources(mirror, patience: TimeSpan.FromMinutes(5)).GetAsync(progress, cancellation.Token);
        await mirror.Asked.WaitAsync(TimeSpan.FromSeconds(30));
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => download);
    }

    private MnistSources Sources(Mirror mirror, string? npm = null, string? source = null, TimeSpan? patience = null) => new()
    {
        Files = small.Files,
        Source = source,
        Cache = small.Folder("cache"),
        Mirrors = new MnistMirrors(mirror, [new("https://a.test/mnist/"), new("https://b.test/mnist/")], TimeProvider.System)
        {
            AnswerTimeout = patience ?? (mirror.Silent ? TimeSpan.FromMilliseconds(50) : TimeSpan.FromSeconds(30)),
        },
        Package = new MnistPackage(npm, TimeProvider.System),
    };

    /// <summary>a.test cannot be reached; b.test serves, or answers with a status, or not at all.</summary>
    private sealed class Mirror(SmallMnist small) : HttpMessageHandler
    {
        private readonly TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int requests;

        public HttpStatusCode? Status { get; init; }

        public bool Silent { get; init; }

        public string? CutFirst { get; set; }

        public int Requests => requests;

        public int Resumed { get; private set; }

        public Task Asked => asked.Task;

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref requests);
            if (request.RequestUri!.Host == "a.test")
                throw new HttpRequestException("no route");
            asked.TrySetResult();
            if (Silent)
                await Task.Delay(Timeout.Infinite, cancellationToken);
            if (Status is { } status)
                return new HttpResponseMessage(status);
            var name = Path.GetFileNameWithoutExtension(request.RequestUri.AbsolutePath);
            var bytes = SmallMnist.Zip(small.Bytes[name]);
            if (request.Method == HttpMethod.Get && CutFirst == name)
            {
                CutFirst = null;
                var content = new StreamContent(new MemoryStream(bytes[..(bytes.Length / 2)]));
                content.Headers.ContentLength = bytes.Length;
                return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
            }
            if (request.Headers.Range?.Ranges.Single().From is not { } from)
                return new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(bytes) };
            Resumed++;
            var rest = new ByteArrayContent(bytes[(int)from..]);
            rest.Headers.ContentRange = new ContentRangeHeaderValue(from, bytes.Length - 1, bytes.Length);
            return new HttpResponseMessage(HttpStatusCode.PartialContent) { Content = rest };
        }
    }
}
