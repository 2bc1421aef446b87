using MantaLight.Shared;
using MantaLight.Storage;
using Microsoft.Win32.SafeHandles;

namespace MantaLight.Tests.Storage;

/// <summary>What is done while whoever asked goes on.</summary>
public sealed class BehindQueueTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-flush-");

    [Fact]
    public async Task Each_file_that_was_taken_over_is_closed_however_many_come_at_once()
    {
        var queue = new BehindQueue<SafeFileHandle>(64, f => f.Dispose());
        var taken = await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Run(() => Enumerable.Range(0, 100).Select(i => Take(queue, $"{writer}-{i}")).ToArray())));
        await SwarmHarness.EventuallyAsync(() => taken.SelectMany(t => t).All(file => file.IsClosed));
    }

    [Fact]
    public async Task The_last_one_of_a_lull_is_not_forgotten()
    {
        var queue = new BehindQueue<SafeFileHandle>(64, f => f.Dispose());
        for (var i = 0; i < 200; i++)
        {
            var file = Take(queue, $"{i}");
            await SwarmHarness.EventuallyAsync(() => file.IsClosed);
        }
    }

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>Writes one; where the queue is full it is closed here.</summary>
    private SafeFileHandle Take(BehindQueue<SafeFileHandle> queue, string name)
    {
        var file = File.OpenHandle(Path.Combine(folder.FullName, name), FileMode.CreateNew, FileAccess.Write);
        RandomAccess.Write(file, "content"u8, 0);
        if (!queue.TryAdd(file))
            file.Dispose();
        return file;
    }
}
