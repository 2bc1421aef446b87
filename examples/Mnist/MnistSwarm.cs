using MantaLight.Aggregation;
using MantaLight.Swarms;

namespace MantaLight.Examples.Mnist;

/// <summary>The definition of swarm.json in C#.</summary>
public sealed class MnistSwarm : Swarm
{
    protected override void Define(SwarmBuilder swarm)
    {
        swarm
            .Seed(42)
            .Global("hyperparameters", new
            {
                Epochs = 1,
                BatchSize = 32,
                Loss = "CrossEntropyLoss",
                Optimizer = "SGD",
                OptimizerParams = new { Lr = 0.01, Momentum = 0.9 },
                ValAccThreshold = 0.99,
            })
            .Rounds(maximum: 8, deadline: TimeSpan.FromMinutes(5), quorum: 1.0);

        swarm.Setup<InitialModel>();

        var worker = swarm.Task<Worker>("worker").OnAll().Needs("mnist");
        var aggregator = swarm.Task<FedAvg>("aggregator").OnAny(1).Fixed();
        var test = swarm.Task<Test>("test").OnAll().Needs("mnist");
        var scheduler = swarm.Task<Scheduler>("scheduler").OnAny(1);

        worker.Then(aggregator).Then(test).Then(scheduler);
    }
}
