using System.Net;
using System.Net.Http.Headers;
using MantaLight.Cli.Data;

namespace MantaLight.Integration.Tests.Data;

public sealed class CifarSourcesTests : IDisposable
{
    private readonly SmallCifar small = new();
    private readonly NotedProgress progress = new();

    public void Dispose() => small.Dispose();

    [Fact]
    public async Task A_mirror_fills_the_cache_and_the_cache_serves_from_then_on()
    {
        using var server = new Server(small.Archive);
        var (train, _) = await Sources(server).GetAsync(progress, CancellationToken.None);

        Assert.Equal(100, train.Labels.Data.Length);
        Assert.Contains(progress.Reports, r => r.What == "cifar-10-binary.tar.gz from b.test" && r.Done == r.Total);
        Assert.Equal(["cifar-10-binary.tar.gz"], Directory.GetFiles(small.Folder("cache")).Select(Path.GetFileName));

        var requests = server.Requests;
        await Sources(server).GetAsync(progress, CancellationToken.None);
        Assert.Equal(requests, server.Requests);
    }

    [Fact]
    public async Task A_cut_download_goes_on_where_it_was_cut_in_the_next_run_too()
    {
        Directory.CreateDirectory(small.Folder("cache"));
        File.WriteAllBytes(Path.Combine(small.Folder("cache"), "cifar-10-binary.tar.gz.part"), small.Archive[..1000]);
        using var server = new Server(small.Archive);

        await Sources(server).GetAsync(progress, CancellationToken.None);

        Assert.Equal(1000, server.ResumedFrom);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Another_file_is_refused_and_not_kept(bool larger)
    {
        var other = larger ? [.. small.Archive, 0] : small.Archive.ToArray();
        other[^2] ^= 1;
        using var server = new Server(other);

        var refusal = await Assert.ThrowsAsync<DatasetException>(() => Sources(server).GetAsync(progress, CancellationToken.None));

        Assert.Contains(larger ? "is larger than" : "its SHA-256 is ", refusal.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(small.Folder("cache"), "cifar-10-binary.tar.gz")));
    }

    [Fact]
    public async Task Every_source_that_failed_is_named_with_its_reason_and_what_to_do()
    {
        using var server = new Server(null);
        var refusal = await Assert.ThrowsAsync<DatasetException>(() => Sources(server).GetAsync(progress, CancellationToken.None));
        foreach (var part in new[] { small.Folder("cache"), "a.test: no route", "b.test: answered 404", "Put cifar-10-binary.tar.gz", "data_batch_5.bin and test_batch.bin", "--source" })
            Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_named_folder_is_the_only_source()
    {
        using var server = new Server(small.Archive);
        await Assert.ThrowsAsync<DatasetException>(() => Sources(server, small.Folder("nowhere")).GetAsync(progress, CancellationToken.None));
        Assert.Equal(0, server.Requests);
    }

    private CifarSources Sources(Server server, string? source = null) => new()
    {
        Files = small.Files,
        Source = source,
        Cache = small.Folder("cache"),
        Mirrors = new Mirrors(server, [new("https://a.test/"), new("https://b.test/data/")], TimeProvider.System) { AnswerTimeout = TimeSpan.FromSeconds(30) },
    };

    /// <summary>a.test cannot be reached; b.test has the archive, or not.</summary>
    private sealed class Server(byte[]? archive) : HttpMessageHandler
    {
        private int requests;

        public int Requests => requests;

        public long? ResumedFrom { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref requests);
            if (request.RequestUri!.Host == "a.test")
                throw new HttpRequestException("no route");
            if (archive is null || request.RequestUri.AbsolutePath != "/data/cifar-10-binary.tar.gz")
                return Task.FromResult(new HttpResponseMessage(HttpStatusCode.NotFound));
            if (request.Headers.Range?.Ranges.Single().From is not { } from)
                return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(archive) });
            ResumedFrom = from;
            var rest = new ByteArrayContent(archive[(int)from..]);
            rest.Headers.ContentRange = new ContentRangeHeaderValue(from, archive.Length - 1, archive.Length);
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.PartialContent) { Content = rest });
        }
    }
}
