using System.Diagnostics;
using MantaLight.Cli.Chaos.Processes;
using MantaLight.Cli.Swarms;

namespace MantaLight.Integration.Tests.Chaos;

public sealed class ProcessTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-chaos-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void The_brake_holds_what_it_is_told_and_releases_it_for_one_node_or_for_all()
    {
        var brake = new Brake(Path.Combine(folder.FullName, "held"), ["node_0", "node_1"]);
        brake.Hold([(1, "worker"), (1, "test")]);
        brake.Release(1, "worker", "node_1");
        Assert.Equal(["1.test", "1.worker"], File.ReadAllLines(brake.FileOf("node_0")).Order(StringComparer.Ordinal));
        Assert.Equal(["1.test"], File.ReadAllLines(brake.FileOf("node_1")));
        brake.Hold(1, "worker", "node_1");
        brake.Release(1, "test");
        Assert.All((string[])["node_0", "node_1"], node => Assert.Equal(["1.worker"], File.ReadAllLines(brake.FileOf(node))));
    }

    [Fact]
    public async Task A_small_disk_can_be_filled_and_emptied_without_privileges_and_keeps_its_files_over_a_process()
    {
        var state = Path.Combine(folder.FullName, "state");
        await using var disks = await SmallDisks.TryMountAsync([state], Cancelled);
        Needs.That(disks is not null, "This system does not let its users mount small disks in a namespace of their own (unshare, nsenter).");
        Assert.Equal(0, await RunAsync(disks!, $"echo kept > {state}/file"));
        disks!.Fill(state);
        Assert.NotEqual(0, await RunAsync(disks, $"echo more > {state}/other"));
        disks.Empty(state);
        Assert.Equal(0, await RunAsync(disks, $"grep -q kept {state}/file && echo more > {state}/other"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(state)); // nothing of it lies on this machine's own disk
    }

    [Theory]
    [InlineData(nameof(BrokerKind.Embedded))]
    [InlineData(nameof(BrokerKind.Mosquitto))]
    public async Task A_killed_broker_comes_back_with_what_it_had_and_without_where_that_is_deleted(string name)
    {
        var kind = Enum.Parse<BrokerKind>(name);
        Needs.That(kind == BrokerKind.Embedded || BrokerProcess.Mosquitto is not null, "mosquitto is not installed; install the package 'mosquitto'.");
        await using var broker = new BrokerProcess(kind, folder.FullName, TimeProvider.System);
        await broker.StartAsync(Cancelled);
        await using (var client = await ConnectAsync(broker))
            await client.DefineAsync("kept", "{}"u8.ToArray(), Cancelled);
        // mosquitto saves after it has answered.
        var files = kind == BrokerKind.Mosquitto ? "*.db" : "*.retained";
        while (!Directory.EnumerateFiles(Path.Combine(folder.FullName, "store"), files).Any(f => File.ReadAllBytes(f).AsSpan().IndexOf("swarms/kept"u8) >= 0))
            await Task.Delay(20, Cancelled);
        await broker.KillAsync();
        await broker.StartAsync(Cancelled);
        await using (var client = await ConnectAsync(broker))
            Assert.NotNull(await client.DefinitionAsync("kept", Cancelled));
        await broker.KillAsync();
        broker.Forget();
        await broker.StartAsync(Cancelled);
        await using (var client = await ConnectAsync(broker))
            Assert.Null(await client.DefinitionAsync("kept", Cancelled));
    }

    private static Task<SwarmClient> ConnectAsync(BrokerProcess broker) =>
        SwarmClient.ConnectAsync(new Uri($"mqtt://127.0.0.1:{broker.Port}"), "chaos", TimeProvider.System, Cancelled);

    private static async Task<int> RunAsync(SmallDisks disks, string line)
    {
        string[] command = [.. disks.Launcher, "/bin/sh", "-c", line];
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
        await process.StandardError.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled);
        return process.ExitCode;
    }
}
