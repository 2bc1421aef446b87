using System.Text;
using MantaLight.Torch.Native;
using Microsoft.Extensions.Logging;
using TorchSharp;

namespace MantaLight.Torch.Tests;

public class ReboundLibraryTests
{
    private static readonly Lazy<byte[]> Original = new(() =>
        File.ReadAllBytes(Path.Combine(NativeFolders.OfThisProcess().Find(NativeFolders.TorchSharpLibrary)!, NativeFolders.TorchSharpLibrary)));

    [Fact]
    public void Eighteen_bytes_of_the_known_library_change_and_nothing_else()
    {
        var copy = ReboundLibrary.Rebind(Original.Value);

        Assert.Equal(ReboundLibrary.KnownSha256, ReboundLibrary.Sha256(Original.Value));
        Assert.Equal(Original.Value.Length, copy.Length);
        Assert.Equal(18, copy.Zip(Original.Value).Count(pair => pair.First != pair.Second));
    }

    [Fact]
    public void The_copy_needs_no_symbol_that_older_systems_lack()
    {
        var image = new ElfImage(ReboundLibrary.Rebind(Original.Value));

        Assert.Null(image.FindUndefined("_ZSt21ios_base_library_initv"));
        var symbol = Assert.NotNull(image.FindUndefined("_ZNSt8ios_base4InitC1Ev"));
        var needs = image.VersionNeeds("libstdc++.so.6").ToArray();
        Assert.Equal("GLIBCXX_3.4", needs.Single(n => n.Index == image.Version(symbol)).Name);
        Assert.DoesNotContain(needs, n => n.Name == ReboundLibrary.MissingVersion);
        Assert.Equal(2, needs.Count(n => n.Name == "GLIBCXX_3.4.30"));
    }

    [Fact]
    public void A_library_that_is_not_known_is_never_edited()
    {
        var other = Original.Value.ToArray();
        other[^1] ^= 1;

        var error = Assert.Throws<MalformedDataException>(() => ReboundLibrary.Rebind(other));
        Assert.Contains(ReboundLibrary.Sha256(other), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_are_no_whole_ELF_files_are_refused()
    {
        Assert.Throws<MalformedDataException>(() => new ElfImage([]));
        Assert.Throws<MalformedDataException>(() => new ElfImage(Encoding.ASCII.GetBytes(new string('x', 4096))));
        Assert.Throws<MalformedDataException>(() => new ElfImage(Original.Value[..100_000]));
    }

    [Fact]
    public void The_copy_is_a_new_file_even_where_its_name_is_a_link_into_a_package()
    {
        using var folders = new Folders();
        var package = Path.Combine(folders.Other, "package.so");
        File.WriteAllText(package, "the package's");
        File.CreateSymbolicLink(Path.Combine(folders.Torch, ReboundFile.Name), package);

        var path = ReboundFile.Place([1, 2, 3], folders.Torch, folders.Torch, folders.Cache);

        Assert.Equal(Path.Combine(folders.Torch, ReboundFile.Name), path);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Equal("the package's", File.ReadAllText(package));
    }

    [Fact]
    public void A_stale_copy_is_replaced_and_a_right_one_left_alone()
    {
        using var folders = new Folders();
        var path = Path.Combine(folders.Torch, ReboundFile.Name);
        File.WriteAllBytes(path, [9, 9, 9]);

        ReboundFile.Place([1, 2, 3], folders.Torch, folders.Torch, folders.Cache);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));

        var old = new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(path, old);
        ReboundFile.Place([1, 2, 3], folders.Torch, folders.Torch, folders.Cache);
        Assert.Equal(old, File.GetLastWriteTimeUtc(path));
    }

    [Fact]
    public void Folders_that_are_apart_are_brought_together_by_links_in_the_cache()
    {
        using var folders = new Folders();
        File.WriteAllText(Path.Combine(folders.Torch, "libtorch.so"), "torch");

        for (var i = 0; i < 2; i++)
        {
            var path = ReboundFile.Place([1, 2, 3], folders.Other, folders.Torch, folders.Cache);

            Assert.StartsWith(folders.Cache, path, StringComparison.Ordinal);
            Assert.Equal("torch", File.ReadAllText(Path.Combine(Path.GetDirectoryName(path)!, "libtorch.so")));
            Assert.False(File.Exists(Path.Combine(folders.Torch, ReboundFile.Name)));
        }
    }

    [Fact]
    public void Many_at_once_leave_one_whole_file_and_no_rest()
    {
        using var folders = new Folders();
        var content = new byte[1 << 20];
        new Random(1).NextBytes(content);

        Parallel.For(0, 16, _ => Assert.Equal(content, File.ReadAllBytes(ReboundFile.Place(content, folders.Torch, folders.Torch, folders.Cache))));

        Assert.Single(Directory.GetFiles(folders.Torch));
    }

    [Fact]
    public async Task Torch_loads_from_any_thread_and_each_attempt_has_its_own_number_of_threads()
    {
        var threads = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => TorchThread.RunAsync(torch.get_num_threads, 1 + (i % 2), CancellationToken.None)));

        Assert.Equal([1, 2, 1, 2, 1, 2, 1, 2], threads);
        if (NativeLoader.ReboundPath is { } path)
            Assert.Equal(File.ReadAllBytes(path), ReboundLibrary.Rebind(Original.Value));
    }

    [Fact]
    public async Task An_attempt_keeps_its_number_of_threads_when_another_begins_before_its_first_computation()
    {
        var begun = new TaskCompletionSource();
        using var other = new ManualResetEventSlim();
        var first = TorchThread.RunAsync(
            () =>
            {
                begun.SetResult();
                other.Wait(TestContext.Current.CancellationToken);
                return torch.get_num_threads();
            },
            3, TestContext.Current.CancellationToken);
        await begun.Task;
        await TorchThread.RunAsync(torch.get_num_threads, 1, TestContext.Current.CancellationToken);
        other.Set();

        Assert.Equal(3, await first);
    }

    [Fact]
    public void An_older_systems_copy_is_told_once()
    {
        var logger = new Lines();
        for (var i = 0; i < 3; i++)
            TorchRuntime.EnsureLoaded(logger);

        Assert.InRange(logger.Count, 0, NativeLoader.ReboundPath is null ? 0 : 1);
    }

    private sealed class Lines : ILogger
    {
        public int Count { get; private set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Count++;
    }

    private sealed class Folders : IDisposable
    {
        private readonly string root = Directory.CreateTempSubdirectory("mantalight-native-").FullName;

        public Folders()
        {
            Directory.CreateDirectory(Torch);
            Directory.CreateDirectory(Other);
        }

        public string Torch => Path.Combine(root, "torch");

        public string Other => Path.Combine(root, "other");

        public string Cache => Path.Combine(root, "cache");

        public void Dispose() => Directory.Delete(root, recursive: true);
    }
}
