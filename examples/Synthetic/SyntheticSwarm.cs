using MantaLight.Aggregation;
using MantaLight.Swarms;

namespace MantaLight.Examples.Synthetic;

/// <summary>The definition of swarm.json in C#: FedProx with μ = 1 under stragglers.</summary>
public sealed class SyntheticSwarm : Swarm
{
    protected override void Define(SwarmBuilder swarm)
    {
        swarm
            .Seed(1)
            .Global("hyperparameters", new
            {
                Epochs = 20,
                BatchSize = 10,
                Loss = "CrossEntropyLoss",
                Optimizer = "SGD",
                Lr = 0.01,
                ProximalMu = 1,
                Stragglers = new { Share = 0.9, Policy = "partial" },
            })
            .Rounds(maximum: 200, deadline: TimeSpan.FromMinutes(10), quorum: 1.0);

        swarm.Setup<InitialModel>();

        var worker = swarm.Task<Worker>("worker").OnAll(10).Needs(SyntheticGenerator.Name);
        var aggregator = swarm.Task<FedAvg>("aggregator").OnAny(1).Fixed();
        var test = swarm.Task<Test>("test").OnAll().Needs(SyntheticGenerator.Name);
        var scheduler = swarm.Task<ThresholdScheduler>("scheduler").OnAny(1);

        worker.Then(aggregator).Then(test).Then(scheduler);
    }
}
