using MantaLight.Cli.Chaos;
using MantaLight.Cli.Chaos.Faults;
using MantaLight.Cli.Chaos.Plan;
using MantaLight.Cli.Chaos.Watch;
using MantaLight.Swarms;

namespace MantaLight.Integration.Tests.Chaos;

public sealed class FaultPlanTests
{
    private static readonly FaultKind[] Kinds = [.. AllFaults.All.Select(f => f.Kind)];

    private readonly Roles roles = new(Definition());

    [Fact]
    public void The_same_seed_gives_the_same_plan_and_another_seed_another() =>
        Assert.Multiple(
            () => Assert.Equal(Plan(7, 50), Plan(7, 50)),
            () => Assert.NotEqual(Plan(7, 50), Plan(8, 50)));

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(15)]
    [InlineData(200)]
    public void All_faults_are_planned_and_every_kind_comes_once_before_any_comes_twice(int faults)
    {
        var plan = Plan(1, faults);
        Assert.Equal(Enumerable.Range(1, faults), plan.Select(f => f.Number));
        Assert.Equal(Math.Min(faults, Kinds.Length), plan.Select(f => f.Kind).Distinct().Count());
    }

    [Fact]
    public void Faults_are_spread_over_the_rounds_and_come_in_the_order_of_the_graph()
    {
        var plan = Plan(3, 100);
        Assert.All(plan.CountBy(f => f.Round), r => Assert.Equal(10, r.Value));
        string[] order = [.. roles.Stages.Select(s => s.Alias)];
        Assert.Equal(plan.OrderBy(f => f.Round).ThenBy(f => Array.IndexOf(order, f.Alias)).ThenBy(f => f.AtWork).Select(f => f.Number), plan.Select(f => f.Number));
    }

    [Fact]
    public void A_role_is_struck_where_somebody_has_it()
    {
        var plan = Plan(5, 300);
        Assert.All(plan.Where(f => f.Kind.Role == FaultRole.Aggregator), f => Assert.Equal("aggregator", f.Alias));
        Assert.All(plan.Where(f => f.Kind.Role == FaultRole.Scheduler), f => Assert.Equal("scheduler", f.Alias));
        Assert.All(plan.Where(f => f.Kind.Role == FaultRole.Worker), f => Assert.Contains(f.Alias, (string[])["worker", "test"]));
        Assert.Equal(4, plan.Where(f => f.Kind.Role == FaultRole.Coordinator).Select(f => f.Alias).Distinct().Count());
    }

    [Fact]
    public void Cuts_come_where_blobs_cross_while_the_aggregator_reads_and_while_nodes_read_its_model()
    {
        var cuts = Plan(9, 200).Where(f => f.Kind.Role == FaultRole.Reader).ToArray();
        // An aggregator works to the end once in a round: in some rounds a cut or a full disk finds it at that, in the others something else.
        var rounds = Plan(9, 200).Where(f => f.Kind.AtWork && f.Alias == "aggregator").Select(f => f.Round).ToArray();
        Assert.Equal(rounds.Distinct(), rounds);
        Assert.InRange(rounds.Length, 3, 7);
        Assert.Contains(cuts, f => f is { Alias: "aggregator", AtWork: true });
        Assert.All(cuts.Where(f => f.Alias != "aggregator"), f => Assert.Equal(("test", true), (f.Alias, f.AtWork)));
    }

    [Fact]
    public void Hosts_of_tasks_for_one_node_are_killed_at_work_too_before_something_else_finds_them_at_it()
    {
        var atWork = Plan(9, 200).Where(f => f.AtWork && f.Alias is "aggregator" or "scheduler").ToArray();
        foreach (var kind in (string[])["aggregator_killed", "scheduler_killed", "coordinator_killed"])
            Assert.Contains(atWork, f => f.Kind.Name == kind && f.AtWork);
        Assert.Contains(atWork.Where(f => f.Alias == "aggregator").GroupBy(f => f.Round), round => round.Last().Kind is { Kills: false, AtWork: false });
        foreach (var task in atWork.Where(f => f.AtWork).GroupBy(f => (f.Round, f.Alias)))
            Assert.Equal(task.OrderBy(f => !f.Kind.Kills).Select(f => f.Number), task.Select(f => f.Number));
    }

    [Fact]
    public void A_role_that_nobody_has_is_not_struck()
    {
        var workers = new Roles(Definition() with { Tasks = [Task("worker", PlacementMethod.All)] });
        var plan = FaultPlan.Create(1, 3, 60, workers, Kinds);
        Assert.Equal(60, plan.Length);
        Assert.DoesNotContain(plan, f => f.Kind.Role is FaultRole.Aggregator or FaultRole.Scheduler or FaultRole.Reader);
    }

    [Fact]
    public void A_swarm_without_workers_is_refused() =>
        Assert.Throws<ChaosException>(() => new Roles(Definition() with { Tasks = [Task("only", PlacementMethod.Any)] }));

    private static SwarmDefinition Definition() => new()
    {
        Name = "plan",
        Module = "Module",
        // Not in the order in which they run.
        Tasks =
        [
            Task("scheduler", PlacementMethod.Any, "test"), Task("aggregator", PlacementMethod.Any, "worker"),
            Task("worker", PlacementMethod.All), Task("test", PlacementMethod.All, "aggregator"),
        ],
    };

    private static TaskDefinition Task(string alias, PlacementMethod method, params string[] after) => new() { Alias = alias, Type = alias, Method = method, After = [.. after] };

    private PlannedFault[] Plan(ulong seed, int faults) => [.. FaultPlan.Create(seed, 10, faults, roles, Kinds)];
}
