using MantaLight.Aggregation;
using MantaLight.Swarms;

namespace MantaLight.Examples.NextCharacter;

/// <summary>The definition of swarm.json in C#.</summary>
public sealed class NextCharacterSwarm : Swarm
{
    protected override void Define(SwarmBuilder swarm)
    {
        swarm
            .Name("next-character")
            .Seed(42)
            .Global("hyperparameters", new
            {
                Epochs = 2,
                BatchSize = 16,
                Loss = "CrossEntropyLoss",
                Optimizer = "SGD",
                Lr = 2,
                ValAccThreshold = 0.9,
            })
            .Rounds(maximum: 20, deadline: TimeSpan.FromMinutes(10), quorum: 1.0);

        swarm.Setup<InitialModel>();

        var worker = swarm.Task<Worker>("worker").OnAll().Needs(TextGenerator.Name);
        var aggregator = swarm.Task<FedAvg>("aggregator").OnAny(1).Fixed();
        var test = swarm.Task<Test>("test").OnAll().Needs(TextGenerator.Name);
        var speak = swarm.Task<Speak>("speak").OnAny(1);
        var scheduler = swarm.Task<ThresholdScheduler>("scheduler").OnAny(1);

        worker.Then(aggregator).Then(test).Then(scheduler);
        aggregator.Then(speak).Then(scheduler);
    }
}
