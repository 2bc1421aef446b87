using System.Text;
using MantaLight.Storage;

namespace MantaLight.Tests.Storage;

/// <summary>Files that are there whole or not at all, whenever their process dies.</summary>
public sealed class FileDiskTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-disk-");
    private readonly FileDisk disk;

    public FileDiskTests() => disk = new FileDisk(folder.FullName);

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void What_stood_stands_until_the_new_is_kept_whole()
    {
        disk.Write("journal/a", "old"u8, Flush.First);
        using (var draft = disk.Create("journal", 100))
        {
            draft.Write(0, "new, and lon"u8);
            Assert.Equal("old", Text("journal/a"));
            draft.Write(12, "ger"u8);
            draft.Keep("journal/a", Flush.First);
        }
        Assert.Equal("new, and longer", Text("journal/a").TrimEnd('\0'));
        Assert.Equal(["journal/a"], disk.List("journal").Select(f => f.Name));
    }

    [Fact]
    public async Task A_large_file_that_is_deleted_is_gone_at_once_and_may_come_again()
    {
        var content = new byte[1 << 20];
        for (var i = 0; i < 20; i++)
        {
            disk.Write("blobs/a", content, Flush.First);
            using var reader = disk.Map("blobs/a", content.Length)!;
            disk.Delete("blobs/a");
            Assert.False(disk.Exists("blobs/a"));
            Assert.Empty(disk.List("blobs"));
            Assert.Equal(content.Length, reader.Content.Length);
        }
        disk.Write("blobs/a", content, Flush.First);
        await MantaLight.Shared.SwarmHarness.EventuallyAsync(() => Directory.EnumerateFiles(folder.FullName, "*", SearchOption.AllDirectories).Count() == 1);
        Assert.Equal(content.Length, disk.Read("blobs/a", int.MaxValue)!.Length);
    }

    [Fact]
    public void What_was_not_kept_leaves_nothing()
    {
        using (var draft = disk.Create("blobs", 10))
        {
            draft.Write(0, "half of it"u8);
            Assert.Empty(disk.List("blobs"));
        }
        Assert.Empty(Directory.EnumerateFiles(folder.FullName, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void What_a_killed_process_left_unfinished_is_removed_by_the_next_one_and_nothing_else_is()
    {
        disk.Write("blobs/whole", "whole"u8, Flush.First);
        var left = Path.Combine(folder.FullName, "blobs", "4711-3.part");
        var others = Path.Combine(folder.FullName, "blobs", "my-thesis-3.part");
        var deeper = Path.Combine(folder.FullName, "4711-3.part");
        foreach (var file in (string[])[left, others, deeper])
            File.WriteAllText(file, "half");
        _ = new FileDisk(folder.FullName);
        Assert.Equal((false, true, true, true), (File.Exists(left), File.Exists(others), File.Exists(deeper), disk.Exists("blobs/whole")));
    }

    [Fact]
    public async Task Readers_see_the_old_or_the_new_while_a_file_is_written_over_and_over()
    {
        var contents = Enumerable.Range(0, 2).Select(i => Enumerable.Repeat((byte)('a' + i), 300_000).ToArray()).ToArray();
        disk.Write("swarms/s.state", contents[0], Flush.First);
        using var stop = new CancellationTokenSource();
        var writer = Task.Run(() =>
        {
            for (var i = 1; i <= 50; i++)
            {
                using var draft = disk.Create("swarms", contents[0].Length);
                draft.Write(0, contents[i % 2]);
                draft.Keep("swarms/s.state", Flush.Sometime);
            }
            stop.Cancel();
        }, TestContext.Current.CancellationToken);
        while (!stop.IsCancellationRequested)
        {
            var read = disk.Read("swarms/s.state", int.MaxValue);
            Assert.Contains(contents, content => content.AsSpan().SequenceEqual(read));
        }
        await writer.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_file_larger_than_asked_for_is_none()
    {
        disk.Write("swarms/s", "12345"u8, Flush.First);
        Assert.Null(disk.Read("swarms/s", 4));
        Assert.NotNull(disk.Read("swarms/s", 5));
    }

    private string Text(string name) => Encoding.UTF8.GetString(disk.Read(name, 1000)!);
}
