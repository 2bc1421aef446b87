using System.Text;
using MantaLight.Aggregation;
using MantaLight.Swarms;

namespace MantaLight.Tests.Swarms;

public sealed class SwarmBuilderTests
{
    [Fact]
    public void A_swarm_in_csharp_is_the_same_definition_as_its_json()
    {
        var json = Definitions.Mnist
            .Replace("MantaLight.Examples.Mnist", "MantaLight.Tests", StringComparison.Ordinal)
            .Replace("0.010", "0.01", StringComparison.Ordinal);

        Definitions.AssertSame(Definitions.Parse(json), new MnistSwarm().ToDefinition());
        Assert.Equal(SwarmJson.HashOf(Definitions.Parse(json)), SwarmJson.HashOf(new MnistSwarm().ToDefinition()));
    }

    [Fact]
    public void The_exported_json_reads_back_as_the_same_definition()
    {
        var swarm = new EverythingSwarm();

        Definitions.AssertSame(swarm.ToDefinition(), SwarmJson.Parse(Encoding.UTF8.GetBytes(swarm.ToJson())));
    }

    [Fact]
    public void Every_setting_of_the_fluent_form_reaches_the_definition() => Assert.Equal(
        """
        {
          "name": "all-of-it",
          "module": "Other.Module",
          "seed": 7,
          "threads": 2,
          "globals": {
            "hyperparameters": {
              "learning_rate": 0.5
            }
          },
          "setup": {
            "type": "initial_model",
            "specified_ids": [
              "node_0"
            ]
          },
          "tasks": [
            {
              "alias": "left",
              "type": "Worker",
              "method": "all",
              "maximum": 0.5,
              "excepted_ids": [
                "node_9",
                "node_8"
              ],
              "gpu": true,
              "tags": [
                "fast"
              ]
            },
            {
              "alias": "right",
              "type": "Worker",
              "maximum": 3
            },
            {
              "alias": "tuned",
              "type": "Tuned",
              "after": [
                "left",
                "right"
              ],
              "options": {
                "rate": 0.25,
                "steps": 4
              }
            },
            {
              "alias": "test",
              "type": "Test",
              "method": "all",
              "maximum": 2,
              "after": [
                "tuned"
              ]
            },
            {
              "alias": "scheduler",
              "type": "ThresholdScheduler",
              "maximum": 1.0,
              "after": [
                "tuned"
              ]
            }
          ],
          "rounds": {
            "maximum": 5,
            "deadline": "00:00:30",
            "adaptive_deadline": {
              "factor": 2.5,
              "floor": "00:00:05"
            },
            "quorum": 0.5,
            "on_shortfall": "wait",
            "retries": 0,
            "leave_out_after": 3,
            "minimum_nodes": 2
          }
        }
        """,
        new EverythingSwarm().ToJson());

    [Fact]
    public void Name_and_module_are_the_class_and_its_assembly_unless_told()
    {
        var definition = new TwoWordsSwarm().ToDefinition();

        Assert.Equal(("two_words", "MantaLight.Tests"), (definition.Name, definition.Module));
    }

    [Fact]
    public void A_swarm_in_csharp_is_validated_like_json_and_reports_all_problems_at_once() => Assert.Equal(
        ["$.name: found 'not an id', expected the swarm's id: 1 to 64 characters of A-Za-z0-9_-",
         "$.seed: found the number 18446744073709551615, expected an integer from 0 to 9007199254740992",
         "$.tasks[0].maximum: found the number 0, expected a number of nodes from 1 to 1000000 (an integer) or a part of them above 0 and at most 1 (with a point, as 0.5)",
         "$.tasks[1].maximum: found 'NaN', expected a number of nodes from 1 to 1000000 (an integer) or a part of them above 0 and at most 1 (with a point, as 0.5)",
         "$.rounds.deadline: found '-00:00:01', expected a time as 'hh:mm:ss' or 'd.hh:mm:ss', above zero and at most 7 days",
         "$.rounds.quorum: found the number 2.5, expected a part of the nodes above 0 and at most 1, or a number of them from 2 to 1000000 (an integer)",
         "$.tasks[0].after: the tasks wait for each other: a -> b -> a; expected a graph without cycles"],
        Assert.Throws<InvalidSwarmException>(() => new BrokenSwarm().ToDefinition()).Problems);

    private sealed class MnistSwarm : Swarm
    {
        protected override void Define(SwarmBuilder swarm)
        {
            swarm.Seed(42)
                .Global("hyperparameters", new
                {
                    Epochs = 1,
                    BatchSize = 32,
                    Loss = "CrossEntropyLoss",
                    Optimizer = "SGD",
                    OptimizerParams = new { Lr = 0.01, Momentum = 0.9 },
                    ValAccThreshold = 0.99,
                })
                .Rounds(maximum: 50, deadline: TimeSpan.FromMinutes(5));
            swarm.Setup<InitialModel>();
            swarm.Task<Worker>("worker").OnAll().Needs("mnist")
                .Then(swarm.Task<FedAvg>("aggregator").OnAny(1).Fixed())
                .Then(swarm.Task<Test>("test").OnAll().Needs("mnist"))
                .Then(swarm.Task<Scheduler>("scheduler").OnAny(1));
        }
    }

    private sealed class EverythingSwarm : Swarm
    {
        protected override void Define(SwarmBuilder swarm)
        {
            swarm.Name("all-of-it").Module("Other.Module").Seed(7).Threads(2)
                .Global("hyperparameters", new { LearningRate = 0.5 })
                .Rounds(maximum: 5, deadline: TimeSpan.FromSeconds(30), quorum: 0.5)
                .Rounds(retries: 0, minimumNodes: 2)
                .Rounds(onShortfall: ShortfallPolicy.Wait, leaveOutAfter: 3, adaptiveDeadline: new AdaptiveDeadline(2.5, TimeSpan.FromSeconds(5)));
            swarm.Setup<InitialModel>().OnlyOn("node_0");
            var left = swarm.Task<Worker>("left").OnAll(0.5).NotOn("node_9").NotOn("node_8").NeedsGpu().Tagged("fast");
            var right = swarm.Task<Worker>("right").OnAny(3);
            var tuned = swarm.Task<Tuned>("tuned").Options(new { Rate = 0.25, Steps = 4 }).After(left, right);
            tuned.Then(swarm.Task<Test>("test").OnAll(2));
            tuned.Then(swarm.Task<ThresholdScheduler>("scheduler").OnAny(1.0));
        }
    }

    private sealed class TwoWordsSwarm : Swarm
    {
        protected override void Define(SwarmBuilder swarm) => swarm.Task<Worker>("worker");
    }

    private sealed class BrokenSwarm : Swarm
    {
        protected override void Define(SwarmBuilder swarm)
        {
            swarm.Name("not an id").Seed(ulong.MaxValue).Rounds(quorum: 2.5, deadline: TimeSpan.FromSeconds(-1));
            var a = swarm.Task<Worker>("a").OnAny(0);
            var b = swarm.Task<Worker>("b").OnAny(double.NaN);
            a.Then(b).Then(a);
        }
    }
}
