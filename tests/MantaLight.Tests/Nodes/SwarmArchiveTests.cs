using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Tests.Nodes;

/// <summary>A node's own copies of definitions and states.</summary>
public sealed class SwarmArchiveTests : IDisposable
{
    private static readonly byte[] Definition = System.Text.Encoding.UTF8.GetBytes(SwarmHarness.Definition());

    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-archive-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_state_whose_definition_is_lost_is_kept_for_a_day()
    {
        var disk = new FileDisk(folder);
        await using (var archive = new SwarmArchive(disk, NullLogger.Instance))
        {
            archive.KeepDefinition("whole", Definition);
            archive.KeepState("whole", State("whole"));
            archive.KeepState("orphan", State("orphan"));
        }
        await using var later = new SwarmArchive(disk, NullLogger.Instance);
        var now = TimeProvider.System.GetUtcNow();
        Assert.Equal(["orphan", "whole"], later.Load(now + TimeSpan.FromHours(23)).Select(s => s.Swarm).Order());
        Assert.Equal("whole", Assert.Single(later.Load(now + TimeSpan.FromHours(25))).Swarm);
        Assert.Equal(["swarms/whole.definition", "swarms/whole.state"], disk.List("swarms").Select(f => f.Name));
    }

    private static SwarmState State(string swarm) => new()
    {
        Swarm = swarm, From = "node_1", Term = 1, Start = 1, Round = 1, Status = RunStatus.Running, Definition = new string('a', 64), Run = "aaaaaaaaaaaaaaaa-1",
    };
}
