using System.Buffers;
using MantaLight.Storage;

namespace MantaLight.Tests.Nodes;

/// <summary>Files of the node's folder that are deleted are written over, and nobody notices.</summary>
public sealed class FileDiskTests : IDisposable
{
    private const int Large = 1 << 20;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-tests-");
    private readonly FileDisk disk;

    public FileDiskTests() => disk = new FileDisk(folder.FullName);

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData(Large, Large)]
    [InlineData(Large, Large - 1000)]
    [InlineData(Large, Large / 2)]
    [InlineData(Large, 10)]
    [InlineData(Large, 2 * Large)]
    public void A_file_that_takes_the_place_of_a_deleted_one_is_what_was_written_and_no_more(int before, int after)
    {
        Write("blobs/a", 1, before);
        Write("blobs/kept", 3, 10);
        disk.Delete("blobs/a");
        Assert.False(disk.Exists("blobs/a"));
        Write("blobs/b", 2, after);
        Assert.Equal(after, new FileInfo(Path.Combine(folder.FullName, "blobs", "b")).Length);
        Assert.All(Read("blobs/b", after), b => Assert.Equal(2, b));
    }

    [Fact]
    public void What_somebody_reads_stays_as_it_is_although_it_is_deleted_and_others_are_written()
    {
        Write("blobs/mapped", 1, Large);
        Write("blobs/open", 2, Large);
        Write("blobs/kept", 3, 10);
        using var mapped = disk.Map("blobs/mapped", Large)!;
        using var open = disk.Open("blobs/open")!;
        disk.Delete("blobs/mapped");
        disk.Delete("blobs/open");
        for (var i = 0; i < 10; i++)
            Write($"blobs/{i}", 9, Large);
        Assert.All(mapped.Content.ToArray(), b => Assert.Equal(1, b));
        var some = new byte[Large];
        Assert.Equal(Large, open.Read(0, some));
        Assert.All(some, b => Assert.Equal(2, b));
    }

    [Fact]
    public void A_draft_that_is_given_up_leaves_nothing_and_at_most_four_wait()
    {
        for (var i = 0; i < 10; i++)
            Write($"blobs/{i}", 1, Large);
        for (var i = 1; i < 10; i++)
            disk.Delete($"blobs/{i}");
        Assert.Equal(4, Spares());
        using (disk.Create("blobs", Large))
            Assert.Equal(4, Spares());
        Assert.Equal(3, Spares());
        Assert.Equal(["blobs/0"], disk.List("blobs").Select(f => f.Name));
    }

    [Fact]
    public void With_the_last_file_of_a_folder_they_go_too_and_a_new_process_removes_what_is_left()
    {
        Write("blobs/a", 1, Large);
        Write("blobs/b", 1, Large);
        disk.Delete("blobs/a");
        Assert.Equal(1, Spares());
        _ = new FileDisk(folder.FullName);
        Assert.Equal(0, Spares());
        Write("blobs/c", 1, Large);
        disk.Delete("blobs/b");
        disk.Delete("blobs/c");
        Assert.Equal(0, Spares());
    }

    private int Spares() => Directory.Exists(Path.Combine(folder.FullName, "spare")) ? Directory.GetFiles(Path.Combine(folder.FullName, "spare")).Length : 0;

    private void Write(string name, byte value, int length)
    {
        using var draft = disk.Create("blobs", length);
        draft.Write(0, Enumerable.Repeat(value, length).ToArray());
        draft.Keep(name, durable: true);
    }

    private byte[] Read(string name, int length)
    {
        using var mapped = disk.Map(name, length)!;
        return mapped.Content.ToArray();
    }
}
