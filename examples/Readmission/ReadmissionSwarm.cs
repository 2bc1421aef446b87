using MantaLight.Aggregation;
using MantaLight.Statistics;
using MantaLight.Swarms;

namespace MantaLight.Examples.Readmission;

/// <summary>The definition of swarm.json in C#.</summary>
public sealed class ReadmissionSwarm : Swarm
{
    private const string Data = "readmission";

    private static readonly string[] YesOrNo = ["no", "yes"];
    private static readonly int[] Weights = [1, 3];

    protected override void Define(SwarmBuilder swarm)
    {
        swarm
            .Seed(7)
            .Global("schema", new
            {
                Columns = new object[]
                {
                    new { Name = "age", Minimum = 18, Maximum = 105 },
                    Category("ward", "medicine", "surgery", "cardiology", "geriatrics"),
                    new { Name = "days", Minimum = 0, Maximum = 60 },
                    new { Name = "earlier_stays", Minimum = 0, Maximum = 20 },
                    new { Name = "hemoglobin", Minimum = 4, Maximum = 22 },
                    Category("emergency", "no", "yes"),
                    Category("discharged_to", "home", "rehabilitation", "care home"),
                    new { Name = "readmitted", Values = YesOrNo, Target = true },
                },
                TestShare = 0.2,
            })
            .Global("measures", new { Moments = true })
            .Global("hyperparameters", new
            {
                Epochs = 2,
                BatchSize = 32,
                Loss = "CrossEntropyLoss",
                LossParams = new { weight = Weights },
                Optimizer = "SGD",
                OptimizerParams = new { Lr = 0.05, Momentum = 0.9 },
            })
            .Rounds(maximum: 10, deadline: TimeSpan.FromMinutes(5), quorum: 1.0);

        swarm.Setup<InitialModel>();

        var measure = swarm.Task<MeasureTable>("measure").OnAll().Needs(Data).Options(new { Dataset = Data });
        var combine = swarm.Task<CombineMeasures>("combine").OnAny(1).Fixed();
        var worker = swarm.Task<Worker>("worker").OnAll().Needs(Data).Options(new { Dataset = Data });
        var aggregator = swarm.Task<FedAvg>("aggregator").OnAny(1).Fixed();
        var test = swarm.Task<Test>("test").OnAll().Needs(Data).Options(new { Dataset = Data });
        var scheduler = swarm.Task<Scheduler>("scheduler").OnAny(1);

        measure.Then(combine).Then(worker).Then(aggregator).Then(test).Then(scheduler);
    }

    private static object Category(string name, params string[] values) => new { Name = name, Values = values };
}
