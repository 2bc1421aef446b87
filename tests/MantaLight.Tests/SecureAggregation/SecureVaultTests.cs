using System.Text.Json;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.SecureAggregation;
using MantaLight.Shared;
using MantaLight.Storage;
using MantaLight.Swarms;

namespace MantaLight.Tests.SecureAggregation;

/// <summary>Where a node's secrets are between the stages of a round.</summary>
public sealed class SecureVaultTests : IDisposable
{
    private static readonly SecureRound Round = new("vectors", "0123456789abcdef-1", 3, new SecureOptions());

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-vault-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void What_is_there_is_never_replaced_also_by_a_later_process()
    {
        var vault = Open();
        var identity = vault.Identity;
        Assert.Equal([1, 2], vault.GetOrAdd(Round, "keys", () => [1, 2]));
        Assert.Equal([1, 2], vault.GetOrAdd(Round, "keys", () => [3]));
        Assert.Equal([1, 2], Open().GetOrAdd(Round, "keys", () => [3]));
        Assert.Equal(identity, Open().Identity);
        var (first, isNew) = Open().Pin("node_1", [7]);
        var (then, isNewAgain) = Open().Pin("node_1", [8]);
        Assert.Equal([7, 7], [.. first, .. then]);
        Assert.Equal((true, false), (isNew, isNewAgain));
    }

    [Fact]
    public void Nobody_but_the_owner_can_look_into_the_folder()
    {
        Open().GetOrAdd(Round, "keys", () => [1]);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(folder.FullName, "secrets")));
    }

    [Fact]
    public void Secrets_go_with_their_round_and_the_identity_stays()
    {
        var vault = Open();
        var identity = vault.Identity;
        vault.GetOrAdd(Round, "keys", () => [1]);
        vault.GetOrAdd(Round with { Swarm = "other" }, "keys", () => [2]);
        vault.Forget("vectors", Round.Run, 3);
        Assert.NotNull(vault.Find(Round, "keys"));
        vault.Forget("vectors", Round.Run, 4);
        Assert.Null(vault.Find(Round, "keys"));
        Assert.NotNull(vault.Find(Round with { Swarm = "other" }, "keys"));
        vault.GetOrAdd(Round with { Round = 4 }, "keys", () => [3]);
        Assert.Throws<TaskContractException>(() => vault.GetOrAdd(Round, "keys", () => [4]));
        Assert.Equal(identity, vault.Identity);
        // A run that begins anew begins with any round.
        vault.GetOrAdd(Round with { Run = "0123456789abcdef-2", Round = 1 }, "keys", () => [5]);
        Assert.Null(vault.Find(Round with { Round = 4 }, "keys"));
    }

    [Fact]
    public void A_secret_that_the_disk_has_spoiled_is_not_made_anew()
    {
        Open().GetOrAdd(Round, "keys", () => [1]);
        var file = Path.Combine(folder.FullName, "secrets", "vectors.0123456789abcdef-1.3.keys");
        File.WriteAllText(file, "spoiled");
        Assert.Contains("must not be replaced", Assert.Throws<NodeStorageException>(() => Open().GetOrAdd(Round, "keys", () => [2])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_coordinator_has_a_node_do_what_its_definition_does_not_say()
    {
        var definition = SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes(SwarmHarness.Definition(extra: ", \"secure_aggregation\": {}")));
        var hash = SwarmJson.HashOf(definition);
        var schedule = new ScheduleAttempt { Run = new RunId(hash, 1).ToString(), Round = 1, Alias = "worker", TaskType = "VectorWorker", Module = SwarmHarness.Module };
        Assert.True(Of(schedule)!.IsWorker);
        Assert.Throws<TaskContractException>(() => Of(schedule with { Run = new RunId(new string('0', 64), 1).ToString() }));
        Assert.Throws<TaskContractException>(() => Of(schedule with { Alias = "test" }));
        Assert.Throws<TaskContractException>(() => Of(schedule with { Alias = "another" }));
        Assert.Throws<TaskContractException>(() => Of(schedule with { Options = JsonElement.Parse("{\"a\":1}") }));
        Assert.Null(SecureDuty.Of(definition with { SecureAggregation = null }, hash, "vectors", schedule, "node_0", new MemoryVault()));
        Assert.Null(SecureDuty.Of(null, null, "vectors", schedule, "node_0", new MemoryVault()));

        SecureAttempt? Of(ScheduleAttempt asked) => SecureDuty.Of(definition, hash, "vectors", asked, "node_0", new MemoryVault());
    }

    private DiskVault Open() => new(new FileDisk(folder.FullName));
}
