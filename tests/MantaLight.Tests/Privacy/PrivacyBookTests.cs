using MantaLight.Nodes;
using MantaLight.Privacy;
using MantaLight.Storage;

namespace MantaLight.Tests.Privacy;

/// <summary>A node's book of what it has spent.</summary>
public sealed class PrivacyBookTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-book-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void What_was_spent_is_known_to_the_process_after()
    {
        var mechanism = new SampledGaussian(0.1, 1.1);
        Open().Spend("samples of mnist", ledger => ledger.Add(mechanism, 10));
        Open().Spend("contributions of mnist", ledger => ledger with { Pure = 2.5 });
        var after = Open().Spend("samples of mnist", ledger => ledger.Add(mechanism, 5).Add(new SampledGaussian(1, 2, SamplingScheme.Fixed), 3));
        Assert.Equal([new PrivacyEntry(0.1, 1.1, 15), new PrivacyEntry(1, 2, 3, SamplingScheme.Fixed)], after.Entries);
        Assert.Equal(after.Entries, Open().Spend("samples of mnist", ledger => ledger).Entries);
        Assert.Equal(2.5, Open().Spend("contributions of mnist", ledger => ledger).Pure);
    }

    [Fact]
    public void Each_swarm_has_a_book_of_its_own()
    {
        Open("one").Spend("x", ledger => ledger.Add(new SampledGaussian(1, 1), 1));
        Assert.Empty(Open("two").Spend("x", ledger => ledger).Entries);
    }

    [Fact]
    public void A_book_that_is_spoiled_is_not_taken_for_an_empty_one()
    {
        Open().Spend("x", ledger => ledger.Add(new SampledGaussian(1, 1), 1));
        var file = Path.Combine(folder, "privacy", "swarm");
        var bytes = File.ReadAllBytes(file);
        bytes[^5] ^= 1;
        File.WriteAllBytes(file, bytes);
        Assert.Contains("spoiled", Assert.Throws<DatasetException>(() => Open().Spend("x", ledger => ledger)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_written_where_nothing_is_spent()
    {
        Open().Spend("x", ledger => ledger);
        Assert.False(File.Exists(Path.Combine(folder, "privacy", "swarm")));
    }

    private PrivacyBook Open(string swarm = "swarm") => new PrivacyBooks(new FileDisk(folder)).Of(swarm);
}
