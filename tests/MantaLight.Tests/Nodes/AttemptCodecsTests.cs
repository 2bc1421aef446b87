using MantaLight.Blobs;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Storage;
using MantaLight.Tests.Weights.Packing;
using MantaLight.Weights;
using MantaLight.Weights.Packing;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Nodes;

public sealed class AttemptCodecsTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-codecs-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void What_turns_out_to_be_damaged_while_it_is_unpacked_leaves_no_file()
    {
        var disk = new FileDisk(folder.FullName);
        var codecs = new AttemptCodecs("s", new ScheduleAttempt(), new BlobStore(disk), new KeptFiles(disk, TimeProvider.System));
        using var packed = Packer.Pack(Plans.Of("zstd"), Of(Floats("a", 1, 2, 3), Floats("b", 4, 5)), null, null).Weights;
        using var damaged = new NamedArrays(packed.Select(array => array.Name == "b" ? new NamedArray("b", array.Type, [array.Data.Length - 1], array.Data[..^1]) : array));
        Assert.Throws<MalformedDataException>(() => codecs.UnpackToFile(damaged, null));
        Assert.Empty(folder.EnumerateFiles("*", SearchOption.AllDirectories));
        using (var whole = codecs.UnpackToFile(packed, null))
            Assert.Single(folder.EnumerateFiles("*", SearchOption.AllDirectories));
        Assert.Empty(folder.EnumerateFiles("*", SearchOption.AllDirectories));
    }
}
