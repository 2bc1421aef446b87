using MantaLight.Aggregation;
using MantaLight.Swarms;

namespace MantaLight.Examples.Cifar10;

/// <summary>The definition of swarm.json in C#.</summary>
public sealed class CifarSwarm : Swarm
{
    /// <summary>The data set's name.</summary>
    public const string Dataset = "cifar10";

    protected override void Define(SwarmBuilder swarm)
    {
        swarm
            .Name("cifar10")
            .Seed(42)
            .Global("hyperparameters", new
            {
                Epochs = 1,
                BatchSize = 32,
                Loss = "CrossEntropyLoss",
                Optimizer = "SGD",
                OptimizerParams = new { Lr = 0.01, Momentum = 0.9 },
                ValAccThreshold = 0.7,
            })
            .Rounds(maximum: 20, deadline: TimeSpan.FromMinutes(10), quorum: 1.0);

        swarm.Setup<InitialModel>();

        var worker = swarm.Task<Worker>("worker").OnAll().Needs(Dataset);
        var aggregator = swarm.Task<FedAvg>("aggregator").OnAny(1).Fixed();
        var test = swarm.Task<Test>("test").OnAll().Needs(Dataset);
        var scheduler = swarm.Task<ThresholdScheduler>("scheduler").OnAny(1);

        worker.Then(aggregator).Then(test).Then(scheduler);
    }
}
