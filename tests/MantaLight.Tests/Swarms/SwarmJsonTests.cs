using System.Text;
using System.Text.Json;
using MantaLight.Swarms;
using static MantaLight.Tests.Swarms.Definitions;

namespace MantaLight.Tests.Swarms;

public sealed class SwarmJsonTests
{
    [Fact]
    public void The_mnist_definition_is_read_as_it_is_written()
    {
        var swarm = Parse(Mnist);

        Assert.Equal(("mnist", "MantaLight.Examples.Mnist", 42ul, 1), (swarm.Name, swarm.Module, swarm.Seed, swarm.Threads));
        Assert.Equal(0.9, swarm.Globals["hyperparameters"].GetProperty("optimizer_params").GetProperty("momentum").GetDouble());
        Assert.Equal((TaskDefinition.SetupAlias, "initial_model"), (swarm.Setup!.Alias, swarm.Setup.Type));
        Assert.Equal(["worker", "aggregator", "test", "scheduler"], swarm.Tasks.Select(t => t.Alias));
        var (worker, aggregator) = (swarm.Tasks[0], swarm.Tasks[1]);
        Assert.Equal(PlacementMethod.All, worker.Method);
        Assert.Equal(["mnist"], worker.Datasets.AsEnumerable());
        Assert.Equal((PlacementMethod.Any, true), (aggregator.Method, aggregator.Fixed));
        Assert.Equal(["worker"], aggregator.After.AsEnumerable());
        Assert.Equal(new RoundsDefinition { Maximum = 50, Deadline = TimeSpan.FromMinutes(5) }, swarm.Rounds);
    }

    [Fact]
    public void The_canonical_form_has_a_fixed_key_order_and_leaves_defaults_out()
    {
        var compact = Encoding.UTF8.GetString(SwarmJson.Write(Parse(Mnist), indented: false));

        Assert.Equal(
            """{"name":"mnist","module":"MantaLight.Examples.Mnist","seed":42,"globals":{"hyperparameters":{"epochs":1,"batch_size":32,"loss":"CrossEntropyLoss","optimizer":"SGD","optimizer_params":{"lr":0.010,"momentum":0.9},"val_acc_threshold":0.99}},"setup":"initial_model","tasks":[{"alias":"worker","type":"Worker","method":"all","datasets":["mnist"]},{"alias":"aggregator","type":"FedAvg","fixed":true,"after":["worker"]},{"alias":"test","type":"Test","method":"all","datasets":["mnist"],"after":["aggregator"]},{"alias":"scheduler","type":"Scheduler","after":["test"]}],"rounds":{"maximum":50,"deadline":"00:05:00"}}""",
            compact);
    }

    [Fact]
    public void The_hash_of_a_definition_is_the_same_in_every_version_of_the_product() =>
        Assert.Equal("b8810212a75ee446a06318395495374e063f0459328432cd78c40403f723650c", SwarmJson.HashOf(Parse(Mnist)));

    [Theory]
    [InlineData("""{"tasks":[{"type":"A","alias":"a"}],"module":"M","name":"s"}""")]
    [InlineData("""  { "name" : "s", /* why */ "module":"M", "tasks":[ {"alias":"a","type":"A",}, ], } // end""")]
    [InlineData("""{"name":"s","module":"M","seed":0,"threads":1,"globals":{},"tasks":[{"alias":"a","type":"A","method":"any","maximum":1,"fixed":false,"specified_ids":[],"excepted_ids":[],"datasets":[],"gpu":false,"tags":[],"after":[],"options":{}}],"rounds":{"maximum":100,"deadline":"00:10:00","quorum":1,"on_shortfall":"stop","retries":2,"leave_out_after":2,"minimum_nodes":1}}""")]
    public void White_space_key_order_comments_and_explicit_defaults_do_not_change_the_hash(string json) =>
        Assert.Equal(SwarmJson.HashOf(Parse("""{"name":"s","module":"M","tasks":[{"alias":"a","type":"A"}]}""")), SwarmJson.HashOf(Parse(json)));

    [Theory]
    [InlineData("\"method\":\"all\",\"maximum\":1.0", "\"method\":\"all\"")]
    [InlineData("\"method\":\"any\",\"maximum\":1", "\"gpu\":false")]
    public void A_maximum_that_says_what_its_absence_means_is_the_same(string explicitly, string implicitly) =>
        Assert.Equal(SwarmJson.HashOf(Parse(WithTask(implicitly))), SwarmJson.HashOf(Parse(WithTask(explicitly))));

    [Theory]
    [InlineData("\"seed\":1")]
    [InlineData("\"globals\":{\"a\":1}")]
    [InlineData("\"globals\":{\"a\":1.0}")]
    [InlineData("\"globals\":{\"a\":{\"x\":1,\"y\":2}}")]
    [InlineData("\"globals\":{\"a\":{\"y\":2,\"x\":1}}")]
    [InlineData("\"rounds\":{\"retries\":0}")]
    [InlineData("\"rounds\":{\"quorum\":2}")]
    [InlineData("\"rounds\":{\"quorum\":0.5}")]
    [InlineData("\"rounds\":{\"on_shortfall\":\"skip\"}")]
    [InlineData("\"rounds\":{\"leave_out_after\":0}")]
    [InlineData("\"rounds\":{\"adaptive_deadline\":{}}")]
    [InlineData("\"setup\":\"init\"")]
    [InlineData("\"setup\":{\"type\":\"init\",\"gpu\":true}")]
    public void Every_meaningful_difference_changes_the_hash(string members)
    {
        string[] all = ["\"seed\":1", "\"globals\":{\"a\":1}", "\"globals\":{\"a\":1.0}", "\"globals\":{\"a\":{\"x\":1,\"y\":2}}", "\"globals\":{\"a\":{\"y\":2,\"x\":1}}", "\"rounds\":{\"retries\":0}", "\"rounds\":{\"quorum\":2}", "\"rounds\":{\"quorum\":0.5}", "\"rounds\":{\"on_shortfall\":\"skip\"}", "\"rounds\":{\"leave_out_after\":0}", "\"rounds\":{\"adaptive_deadline\":{}}", "\"setup\":\"init\"", "\"setup\":{\"type\":\"init\",\"gpu\":true}", "\"threads\":1"];
        Assert.Single(all, m => SwarmJson.HashOf(Parse(With(m))) == SwarmJson.HashOf(Parse(With(members))));
    }

    [Theory]
    [InlineData("\"maximum\":3", 3, 0.0)]
    [InlineData("\"maximum\":0.25", 0, 0.25)]
    [InlineData("\"maximum\":1.0", 0, 1.0)]
    [InlineData("\"maximum\":5e-1", 0, 0.5)]
    [InlineData("\"method\":\"all\",\"maximum\":1", 1, 0.0)]
    public void An_integer_maximum_is_a_count_and_one_with_a_point_or_exponent_a_fraction(string members, int count, double fraction)
    {
        var swarm = Parse(WithTask(members));

        Assert.Equal(new TaskMaximum(count, fraction), swarm.Tasks[0].Maximum);
        AssertSame(swarm, Parse(Encoding.UTF8.GetString(SwarmJson.Write(swarm))));
    }

    [Theory]
    [InlineData(0.57, 100, 57)]
    [InlineData(0.29, 100, 29)]
    [InlineData(0.1, 19, 1)]
    [InlineData(0.1, 3, 1)]
    [InlineData(1.0, 7, 7)]
    public void A_fraction_is_rounded_down_and_at_least_one(double fraction, int eligible, int nodes) =>
        Assert.Equal(nodes, new TaskMaximum(0, fraction).Of(eligible));

    [Theory]
    [InlineData("1", 1)]
    [InlineData("1.0", 1)]
    [InlineData("0.25", 0.25)]
    [InlineData("3", 3)]
    public void A_quorum_is_a_part_up_to_one_and_a_number_of_nodes_from_two(string quorum, double read)
    {
        var swarm = Parse(With($"\"rounds\":{{\"quorum\":{quorum}}}"));

        Assert.Equal(read, swarm.Rounds.Quorum);
        AssertSame(swarm, Parse(Encoding.UTF8.GetString(SwarmJson.Write(swarm))));
    }

    [Theory]
    [InlineData("{}", "00:10:00", 4, "00:00:30")]
    [InlineData("{\"factor\":2,\"floor\":\"00:00:05\"}", "00:10:00", 2, "00:00:05")]
    [InlineData("{}", "00:00:10", 4, "00:00:10")]
    public void An_adaptive_deadline_has_a_factor_and_a_floor_that_is_no_longer_than_the_deadline(string adaptive, string deadline, double factor, string floor)
    {
        var swarm = Parse(With($"\"rounds\":{{\"deadline\":\"{deadline}\",\"adaptive_deadline\":{adaptive}}}"));

        Assert.Equal(new AdaptiveDeadline(factor, TimeSpan.Parse(floor, System.Globalization.CultureInfo.InvariantCulture)), swarm.Rounds.AdaptiveDeadline);
        AssertSame(swarm, Parse(Encoding.UTF8.GetString(SwarmJson.Write(swarm))));
    }

    [Fact]
    public void Setup_can_be_a_task_without_alias_and_after()
    {
        var setup = Parse(With("""  "setup": { "type": "InitialModel", "specified_ids": ["node_0"], "options": { "scale": 2 } } """)).Setup!;

        Assert.Equal(("setup", "InitialModel"), (setup.Alias, setup.Type));
        Assert.Equal(["node_0"], setup.SpecifiedIds.AsEnumerable());
        Assert.Equal(2, setup.Options.GetProperty("scale").GetInt32());
    }

    [Fact]
    public void A_byte_order_mark_is_passed_over() =>
        Assert.Equal("mnist", SwarmJson.Parse(Encoding.UTF8.GetPreamble().Concat(Encoding.UTF8.GetBytes(Mnist)).ToArray()).Name);

    [Fact]
    public void The_largest_seed_is_exact() => Assert.Equal(1ul << 53, Parse(With("\"seed\":9007199254740992")).Seed);

    [Fact]
    public void Globals_outlive_the_bytes_that_they_were_read_from()
    {
        var bytes = Encoding.UTF8.GetBytes(Mnist);
        var swarm = SwarmJson.Parse(bytes);
        Array.Clear(bytes);

        Assert.Equal(32, swarm.Globals["hyperparameters"].GetProperty("batch_size").GetInt32());
    }

    [Fact]
    public void Indented_and_compact_forms_say_the_same()
    {
        var swarm = Parse(Mnist);
        var indented = SwarmJson.Write(swarm);

        Assert.Contains("\n  \"seed\": 42,\n", Encoding.UTF8.GetString(indented), StringComparison.Ordinal);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(indented), JsonElement.Parse(SwarmJson.Write(swarm, indented: false))));
    }
}
