using System.Globalization;
using MantaLight.Checkpoints;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Tests.Virtual;

namespace MantaLight.Tests.Aggregation;

/// <summary>SCAFFOLD in whole swarms on quadratics, against the paper's formulas in plain numbers.</summary>
public sealed class ScaffoldSwarmTests
{
    private const int Nodes = 4;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task With_all_participants_it_comes_to_the_minimum_where_averaging_drifts(int option)
    {
        var run = await VirtualRun.RunAsync(Definition(option, rounds: 60), Nodes);
        Assert.Equal(QuadraticWorker.Minimum(Nodes), ModelOf(run), 1e-4);
        Assert.Equal(Expected(option, Enumerable.Repeat(Everybody, 60), rate: 1, participants: Nodes).X, ModelOf(run), 1e-4);
        // At the minimum c is the mean of the gradients there, which is zero.
        Assert.Equal(0, run.Global("global_model_params_control")["w"].Span<float>()[0], 1e-3);
        var plain = await VirtualRun.RunAsync(Definition(0, rounds: 60), Nodes);
        Assert.True(Math.Abs(ModelOf(plain) - QuadraticWorker.Minimum(Nodes)) > 0.5, $"{ModelOf(plain)}");
    }

    [Theory]
    [InlineData(1, 0.5, null)]
    [InlineData(2, 1.0, null)]
    [InlineData(2, 0.7, 4)]
    public async Task With_some_of_them_in_each_round_it_is_what_the_formulas_say(int option, double rate, int? participants)
    {
        var run = await VirtualRun.RunAsync(Definition(option, 12, $"scaffold lr={rate.ToString(CultureInfo.InvariantCulture)}{(participants is { } n ? $" participants={n}" : "")}")
            .Replace("\"method\": \"all\"", "\"method\": \"all\", \"maximum\": 0.5", StringComparison.Ordinal), Nodes);
        var done = run.Done("worker");
        Assert.All(done, round => Assert.Equal(2, round.Count()));
        var (x, c) = Expected(option, done.OrderBy(r => r.Key), rate, participants);
        Assert.Equal(x, ModelOf(run), 1e-4);
        Assert.Equal(c, run.Global("global_model_params_control")["w"].Span<float>()[0], 1e-4);
    }

    [Fact]
    public async Task Real_nodes_some_of_which_are_restarted_come_to_the_bits_of_virtual_ones()
    {
        var definition = Definition(2, rounds: 5);
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), Nodes);
        await swarm.PublishDefinitionAsync(definition);
        // Whoever coordinates or aggregates may be among them.
        await swarm.WaitAsync(s => s.Round >= 2);
        await swarm.StopNodeAsync("node_0");
        await swarm.StopNodeAsync("node_1");
        await swarm.AddNodeAsync("node_0");
        await swarm.AddNodeAsync("node_1");
        var real = await swarm.WaitForEndAsync();
        Assert.True(real.Status == RunStatus.Completed, real.Reason);
        var run = await VirtualRun.RunAsync(definition, Nodes);
        Assert.Equal(run.Hashes, real.History.Select(h => h.GlobalSha256));
    }

    [Fact]
    public async Task A_simulation_that_goes_on_from_a_checkpoint_comes_to_the_same_bits()
    {
        var folder = Directory.CreateTempSubdirectory("mantalight-scaffold-");
        try
        {
            var kept = new List<CheckpointNews>();
            var whole = await VirtualRun.RunAsync(Definition(2, rounds: 6), Nodes, change: s => s with { Checkpoints = new CheckpointOptions { Folder = folder.FullName, Every = 3 }, Kept = kept.Add });
            var from = await Checkpoint.ReadAsync(kept[0].Path!, TestContext.Current.CancellationToken);
            var rest = await VirtualRun.RunAsync(Definition(2, rounds: 6), Nodes, change: s => s with { From = from });
            Assert.Equal(whole.Hashes.Skip(3), rest.Hashes);
            // Without what the nodes had kept, c begins anew, and the minimum is found all the same.
            foreach (var file in Directory.GetFiles(folder.FullName, "*.nodes.safetensors"))
                File.Delete(file);
            var anew = await VirtualRun.RunAsync(Definition(2, rounds: 60), Nodes, change: s => s with { From = from });
            Assert.NotEqual(whole.Hashes.Last(), anew.Hashes.ElementAt(2));
            Assert.Equal(QuadraticWorker.Minimum(Nodes), ModelOf(anew), 1e-4);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string[] Everybody => [.. Enumerable.Range(0, Nodes).Select(n => $"node_{n}")];

    private static string Definition(int option, int rounds, string part = "scaffold") => SwarmHarness.Definition(nameof(QuadraticWorker), rounds, minimumNodes: Nodes)
        .Replace("\"type\": \"QuadraticWorker\"", $"\"type\": \"QuadraticWorker\", \"options\": {{ \"option\": {option} }}", StringComparison.Ordinal)
        .Replace("\"type\": \"FedAvg\"", option == 0 ? "\"type\": \"FedAvg\"" : $"\"type\": \"Aggregate\", \"options\": {{ \"aggregate\": [\"{part}\"] }}", StringComparison.Ordinal)
        .Replace("VectorScheduler", "ThresholdScheduler", StringComparison.Ordinal).Replace("\"length\": 3", "\"length\": 1", StringComparison.Ordinal);

    private static double ModelOf(VirtualRun run)
    {
        Assert.True(run.End.Status == RunStatus.Completed, run.End.Reason);
        return run.Global("global_model_params")["w"].Span<float>()[0];
    }

    /// <summary>Algorithm 1 of Karimireddy et al. 2020. Where the number of participants is not said, c is the mean over all that have been seen.</summary>
    private static (double X, double C) Expected(int option, IEnumerable<IEnumerable<string>> rounds, double rate, int? participants)
    {
        const int Steps = 10;
        const double Local = 0.1;
        double x = 0, c = 0;
        var variates = new Dictionary<string, double>();
        foreach (var taking in rounds.Select(r => r.ToArray()))
        {
            double moves = 0;
            var next = new Dictionary<string, double>(variates);
            foreach (var node in taking)
            {
                var (a, b) = QuadraticWorker.Of(node);
                var (y, own) = (x, variates.GetValueOrDefault(node));
                for (var step = 0; step < Steps; step++)
                    y -= Local * ((a * (y - b)) - own + c);
                next[node] = option == 1 ? a * (x - b) : own - c + ((x - y) / (Steps * Local));
                moves += y - x;
            }
            variates = next;
            // Since c begins with zero as all c_i do, it is their mean over all participants.
            (x, c) = (x + (rate * moves / taking.Length), variates.Values.Sum() / (participants ?? variates.Count));
        }
        return (x, c);
    }
}
