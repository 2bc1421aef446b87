using System.Text;
using MantaLight.Swarms;
using static MantaLight.Tests.Swarms.Definitions;

namespace MantaLight.Tests.Swarms;

public sealed class SwarmJsonProblemTests
{
    [Theory]
    [InlineData("\"sed\":1", "$.sed: unknown key, did you mean 'seed'?; expected one of: name, module, seed, threads, globals, codecs, secure_aggregation, setup, tasks, rounds, start")]
    [InlineData("\"seed\":-1", "$.seed: found the number -1, expected an integer from 0 to 9007199254740992")]
    [InlineData("\"seed\":9007199254740993", "$.seed: found the number 9007199254740993, expected an integer from 0 to 9007199254740992")]
    [InlineData("\"seed\":4.0", "$.seed: found the number 4.0, expected an integer from 0 to 9007199254740992")]
    [InlineData("\"seed\":\"4\"", "$.seed: found '4', expected an integer from 0 to 9007199254740992")]
    [InlineData("\"threads\":0", "$.threads: found the number 0, expected an integer from 1 to 256")]
    [InlineData("\"threads\":257", "$.threads: found the number 257, expected an integer from 1 to 256")]
    [InlineData("\"globals\":[]", "$.globals: found a list, expected an object of values by tag")]
    [InlineData("\"globals\":{\"a\":null}", "$.globals.a: found null, expected a value: null cannot be shared; leave the global out")]
    [InlineData("\"globals\":{\"a/b\":1}", "$.globals['a/b']: is not a tag, expected 1 to 64 characters of A-Za-z0-9_-")]
    [InlineData("\"globals\":{\"a\":{\"lr\":1,\"lr\":2}}", "$.globals.a.lr: is given twice, expected each key once")]
    [InlineData("\"globals\":{\"a\":[\"\\ud800\"]}", "$.globals.a[0]: holds text with half of a surrogate pair, expected Unicode text")]
    [InlineData("\"setup\":1", "$.setup: found the number 1, expected the type of a task, or an object with the keys type, method, maximum, fixed, specified_ids, excepted_ids, datasets, gpu, tags, options")]
    [InlineData("\"setup\":\"a.b\"", "$.setup: found 'a.b', expected the name of a task's class: a letter or _, then at most 127 letters, digits or _")]
    [InlineData("\"setup\":{}", "$.setup.type: is missing, expected the name of a task's class: a letter or _, then at most 127 letters, digits or _")]
    [InlineData("\"setup\":{\"type\":\"A\",\"method\":\"all\"}", "$.setup: is placed on several nodes, expected method 'any' and maximum 1: setup runs once, on one node")]
    [InlineData("\"setup\":{\"type\":\"A\",\"after\":[]}", "$.setup.after: unknown key; expected one of: type, method, maximum, fixed, specified_ids, excepted_ids, datasets, gpu, tags, options")]
    [InlineData("\"rounds\":3", "$.rounds: found the number 3, expected an object with the keys maximum, deadline, adaptive_deadline, quorum, on_shortfall, retries, leave_out_after, minimum_nodes")]
    [InlineData("\"rounds\":{\"maximum\":0}", "$.rounds.maximum: found the number 0, expected an integer from 1 to 1000000")]
    [InlineData("\"rounds\":{\"quorum\":0}", "$.rounds.quorum: found the number 0, expected a part of the nodes above 0 and at most 1, or a number of them from 2 to 1000000 (an integer)")]
    [InlineData("\"rounds\":{\"quorum\":1.01}", "$.rounds.quorum: found the number 1.01, expected a part of the nodes above 0 and at most 1, or a number of them from 2 to 1000000 (an integer)")]
    [InlineData("\"rounds\":{\"quorum\":2.0}", "$.rounds.quorum: found the number 2.0, expected a part of the nodes above 0 and at most 1, or a number of them from 2 to 1000000 (an integer)")]
    [InlineData("\"rounds\":{\"quorum\":1000001}", "$.rounds.quorum: found the number 1000001, expected a part of the nodes above 0 and at most 1, or a number of them from 2 to 1000000 (an integer)")]
    [InlineData("\"rounds\":{\"quorum\":\"all\"}", "$.rounds.quorum: found 'all', expected a part of the nodes above 0 and at most 1, or a number of them from 2 to 1000000 (an integer)")]
    [InlineData("\"rounds\":{\"on_shortfall\":\"go_on\"}", "$.rounds.on_shortfall: found 'go_on', expected 'stop', 'wait' or 'skip'")]
    [InlineData("\"rounds\":{\"on_shortfall\":1}", "$.rounds.on_shortfall: found the number 1, expected 'stop', 'wait' or 'skip'")]
    [InlineData("\"rounds\":{\"leave_out_after\":1001}", "$.rounds.leave_out_after: found the number 1001, expected an integer from 0 to 1000")]
    [InlineData("\"rounds\":{\"adaptive_deadline\":true}", "$.rounds.adaptive_deadline: found true, expected an object with the keys factor, floor")]
    [InlineData("\"rounds\":{\"adaptive_deadline\":{\"factor\":0.5}}", "$.rounds.adaptive_deadline.factor: found the number 0.5, expected a number from 1 to 1000")]
    [InlineData("\"rounds\":{\"adaptive_deadline\":{\"floor\":30}}", "$.rounds.adaptive_deadline.floor: found the number 30, expected a time as 'hh:mm:ss' or 'd.hh:mm:ss', above zero and at most 7 days")]
    [InlineData("\"rounds\":{\"deadline\":\"00:00:20\",\"adaptive_deadline\":{\"floor\":\"00:00:21\"}}", "$.rounds.adaptive_deadline.floor: found '00:00:21', expected at most the deadline of 00:00:20")]
    [InlineData("\"rounds\":{\"retries\":-1}", "$.rounds.retries: found the number -1, expected an integer from 0 to 100")]
    [InlineData("\"rounds\":{\"minimum_nodes\":0}", "$.rounds.minimum_nodes: found the number 0, expected an integer from 1 to 1000000")]
    [InlineData("\"rounds\":{\"minimumNodes\":2}", "$.rounds.minimumNodes: unknown key, keys are snake_case: write 'minimum_nodes'; expected one of: maximum, deadline, adaptive_deadline, quorum, on_shortfall, retries, leave_out_after, minimum_nodes")]
    [InlineData("\"rounds\":{\"deadline\":\"00:00:00\"}", "$.rounds.deadline: found '00:00:00', expected a time as 'hh:mm:ss' or 'd.hh:mm:ss', above zero and at most 7 days")]
    [InlineData("\"rounds\":{\"deadline\":\"7.00:00:01\"}", "$.rounds.deadline: found '7.00:00:01', expected a time as 'hh:mm:ss' or 'd.hh:mm:ss', above zero and at most 7 days")]
    [InlineData("\"rounds\":{\"deadline\":\"5\"}", "$.rounds.deadline: found '5', expected a time as 'hh:mm:ss' or 'd.hh:mm:ss', above zero and at most 7 days")]
    [InlineData("\"rounds\":{\"deadline\":\"00:75:00\"}", "$.rounds.deadline: found '00:75:00', expected a time as 'hh:mm:ss' or 'd.hh:mm:ss', above zero and at most 7 days")]
    [InlineData("\"rounds\":{\"deadline\":300}", "$.rounds.deadline: found the number 300, expected a time as 'hh:mm:ss' or 'd.hh:mm:ss', above zero and at most 7 days")]
    public void A_problem_at_the_top_is_named_with_path_found_and_expected(string members, string problem) =>
        Assert.Equal([problem], ProblemsOf(With(members)));

    [Theory]
    [InlineData("\"method\":\"ALL\"", "$.tasks[0].method: found 'ALL', expected 'any' or 'all'")]
    [InlineData("\"method\":null", "$.tasks[0].method: found null, expected 'any' or 'all'")]
    [InlineData("\"maximum\":0", "$.tasks[0].maximum: found the number 0, expected a number of nodes from 1 to 1000000 (an integer) or a part of them above 0 and at most 1 (with a point, as 0.5)")]
    [InlineData("\"maximum\":-2", "$.tasks[0].maximum: found the number -2, expected a number of nodes from 1 to 1000000 (an integer) or a part of them above 0 and at most 1 (with a point, as 0.5)")]
    [InlineData("\"maximum\":0.0", "$.tasks[0].maximum: found the number 0.0, expected a number of nodes from 1 to 1000000 (an integer) or a part of them above 0 and at most 1 (with a point, as 0.5)")]
    [InlineData("\"maximum\":1.5", "$.tasks[0].maximum: found the number 1.5, expected a number of nodes from 1 to 1000000 (an integer) or a part of them above 0 and at most 1 (with a point, as 0.5)")]
    [InlineData("\"maximum\":\"1\"", "$.tasks[0].maximum: found '1', expected a number of nodes from 1 to 1000000 (an integer) or a part of them above 0 and at most 1 (with a point, as 0.5)")]
    [InlineData("\"asynchronous\":true", "$.tasks[0].asynchronous: found true, expected an object with the keys buffer, maximum_staleness")]
    [InlineData("\"method\":\"all\",\"asynchronous\":{\"bufer\":3}", "$.tasks[0].asynchronous.bufer: unknown key, did you mean 'buffer'?; expected one of: buffer, maximum_staleness")]
    [InlineData("\"method\":\"all\",\"asynchronous\":{\"buffer\":257}", "$.tasks[0].asynchronous.buffer: found the number 257, expected an integer from 1 to 256")]
    [InlineData("\"method\":\"all\",\"asynchronous\":{\"maximum_staleness\":51}", "$.tasks[0].asynchronous.maximum_staleness: found the number 51, expected an integer from 0 to 50")]
    [InlineData("\"asynchronous\":{}", "$.tasks[0].asynchronous: the method is 'any', expected 'all': attempts stay with their nodes; set method to 'all', and 'maximum' where not all are to be under way at once")]
    [InlineData("\"fixed\":1", "$.tasks[0].fixed: found the number 1, expected true or false")]
    [InlineData("\"gpu\":\"yes\"", "$.tasks[0].gpu: found 'yes', expected true or false")]
    [InlineData("\"datasets\":\"mnist\"", "$.tasks[0].datasets: found 'mnist', expected a list of data sets")]
    [InlineData("\"datasets\":[\"m\",\"m\"]", "$.tasks[0].datasets[1]: 'm' is already at [0], expected each data set once")]
    [InlineData("\"specified_ids\":[\"n\",\"n\"]", "$.tasks[0].specified_ids[1]: 'n' is already at [0], expected each node id once")]
    [InlineData("\"specified_ids\":[\"a/b\"]", "$.tasks[0].specified_ids[0]: found 'a/b', expected a node id: 1 to 64 characters of A-Za-z0-9_-")]
    [InlineData("\"specified_ids\":[\"n\"],\"excepted_ids\":[\"n\"]", "$.tasks[0].excepted_ids: 'n' is also in specified_ids, expected it in one of the two")]
    [InlineData("\"specifiedIds\":[]", "$.tasks[0].specifiedIds: unknown key, keys are snake_case: write 'specified_ids'; expected one of: alias, type, method, maximum, fixed, specified_ids, excepted_ids, datasets, gpu, tags, after, asynchronous, options")]
    [InlineData("\"tags\":[3]", "$.tasks[0].tags[0]: found the number 3, expected a tag: 1 to 64 characters of A-Za-z0-9_-")]
    [InlineData("\"options\":[]", "$.tasks[0].options: found a list, expected an object with the task's options")]
    [InlineData("\"after\":[\"a\"]", "$.tasks[0].after: the tasks wait for each other: a -> a; expected a graph without cycles")]
    [InlineData("\"after\":[\"setup\"]", "$.tasks[0].after[0]: 'setup' runs before the first round and is before every task; leave it out")]
    public void A_problem_in_a_task_is_named_with_path_found_and_expected(string members, string problem) =>
        Assert.Equal([problem], ProblemsOf(WithTask(members)));

    [Fact]
    public void An_unknown_alias_is_named_at_its_position_with_those_that_there_are()
    {
        var json = Mnist.Replace("\"after\": [\"worker\"]", "\"after\": [\"wrker\"]", StringComparison.Ordinal);

        Assert.Equal(["$.tasks[1].after[0]: unknown alias 'wrker'; expected one of: worker, test, scheduler"], ProblemsOf(json));
    }

    [Fact]
    public void A_cycle_is_named_along_the_flow_of_work()
    {
        const string json = """
            {"name":"s","module":"M","tasks":[
              {"alias":"start","type":"T"},
              {"alias":"a","type":"T","after":["start","c"]},
              {"alias":"b","type":"T","after":["a"]},
              {"alias":"c","type":"T","after":["b"]}]}
            """;

        Assert.Equal(["$.tasks[1].after: the tasks wait for each other: a -> b -> c -> a; expected a graph without cycles"], ProblemsOf(json));
    }

    [Fact]
    public void Aliases_are_distinct_and_setup_is_reserved()
    {
        const string json = """{"name":"s","module":"M","tasks":[{"alias":"a","type":"T"},{"alias":"a","type":"T"},{"alias":"setup","type":"T"}]}""";

        Assert.Equal(
            ["$.tasks[1].alias: 'a' is already the alias of $.tasks[0], expected each alias once",
             "$.tasks[2].alias: 'setup' is the alias of the setup task, expected another one"],
            ProblemsOf(json));
    }

    [Fact]
    public void All_problems_are_reported_at_once()
    {
        const string json = """
            {"name":"no spaces","tasks":[{"type":"T","maximum":0,"after":["x"]},7],"rounds":{"quorum":0},"Seed":1}
            """;

        var error = Assert.Throws<InvalidSwarmException>(() => Parse(json));

        Assert.Equal(
            ["$.Seed: unknown key, keys are snake_case: write 'seed'; expected one of: name, module, seed, threads, globals, codecs, secure_aggregation, setup, tasks, rounds, start",
             "$.name: found 'no spaces', expected the swarm's id: 1 to 64 characters of A-Za-z0-9_-",
             "$.module: is missing, expected the simple name of the assembly with the tasks: letters, digits, _ . - and no path",
             "$.tasks[0].alias: is missing, expected the task's name in the graph: 1 to 64 characters of A-Za-z0-9_-",
             "$.tasks[0].maximum: found the number 0, expected a number of nodes from 1 to 1000000 (an integer) or a part of them above 0 and at most 1 (with a point, as 0.5)",
             "$.tasks[1]: found the number 7, expected an object with the keys alias, type, method, maximum, fixed, specified_ids, excepted_ids, datasets, gpu, tags, after, asynchronous, options",
             "$.rounds.quorum: found the number 0, expected a part of the nodes above 0 and at most 1, or a number of them from 2 to 1000000 (an integer)",
             "$.tasks[0].after[0]: unknown alias 'x'; expected one of: none"],
            error.Problems);
        Assert.All(error.Problems, p => Assert.Contains(p, error.Message, StringComparison.Ordinal));
        Assert.StartsWith("The swarm definition has 8 problems:", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "$: found a list, expected an object with the keys name, module, seed, threads, globals, codecs, secure_aggregation, setup, tasks, rounds, start")]
    [InlineData("""{"name":"s","module":"M","tasks":[]}""", "$.tasks: found 0 tasks, expected a list of 1 to 256 tasks")]
    [InlineData("""{"name":"s","module":"M"}""", "$.tasks: is missing, expected a list of 1 to 256 tasks")]
    [InlineData("""{"name":"s","module":"../evil","tasks":[{"alias":"a","type":"A"}]}""", "$.module: found '../evil', expected the simple name of the assembly with the tasks: letters, digits, _ . - and no path")]
    public void What_is_no_definition_is_refused(string json, string problem) => Assert.Equal([problem], ProblemsOf(json));

    [Theory]
    [InlineData("", "$: not JSON at line 1, position 1: ")]
    [InlineData("{\n  \"name\": nope }", "$: not JSON at line 2, position 12: ")]
    [InlineData("{\"name\": \"s\"", "$: not JSON at line 1, position 13: ")]
    public void Text_that_is_not_JSON_is_refused_with_line_and_position(string json, string start) =>
        Assert.StartsWith(start, Assert.Single(ProblemsOf(json)), StringComparison.Ordinal);

    [Fact]
    public void More_than_256_tasks_are_refused()
    {
        var tasks = string.Join(",", Enumerable.Range(0, 257).Select(i => $$"""{"alias":"t{{i}}","type":"T"}"""));

        Assert.Equal(["$.tasks: found 257 tasks, expected a list of 1 to 256 tasks"], ProblemsOf($$"""{"name":"s","module":"M","tasks":[{{tasks}}]}"""));
    }

    [Fact]
    public void Bytes_beyond_the_limit_are_refused_unread() =>
        Assert.Equal(["$: found 1048577 bytes, expected at most 1048576"], ProblemsOf(new string(' ', SwarmJson.MaximumBytes + 1)));

    [Fact]
    public void Nesting_beyond_the_limit_is_refused()
    {
        static string Nested(int depth) => With($"\"globals\":{{\"a\":{new string('[', depth)}{new string(']', depth)}}}");

        Assert.Equal("s", Parse(Nested(30)).Name);
        Assert.Contains("depth", Assert.Single(ProblemsOf(Nested(31))), StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_not_UTF_8_are_refused()
    {
        byte[] bytes = [.. Encoding.UTF8.GetBytes(With("\"globals\":{\"a\":\"")), 0xC3, 0x28, .. "\"}}"u8];

        Assert.Equal(["$: found bytes that are not UTF-8, expected UTF-8 text"], Assert.Throws<InvalidSwarmException>(() => SwarmJson.Parse(bytes)).Problems);
    }

    [Fact]
    public void A_megabyte_of_nonsense_gives_a_short_message()
    {
        var json = $"{{{string.Join(",", Enumerable.Range(0, 60_000).Select(i => $"\"k{i}\":{i}"))}}}";

        var error = Assert.Throws<InvalidSwarmException>(() => Parse(json));

        Assert.Equal(100, error.Problems.Count);
        Assert.True(error.Message.Length < 50_000);
        Assert.Contains("and 59903 more", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Foreign_text_in_a_message_is_shortened_to_one_line()
    {
        var problem = Assert.Single(ProblemsOf(With($"\"setup\":\"x\\n{new string('y', 5000)}\"")));

        Assert.StartsWith("$.setup: found 'x?yyy", problem, StringComparison.Ordinal);
        Assert.True(problem.Length < 250);
    }

    private static IReadOnlyList<string> ProblemsOf(string json) => Assert.Throws<InvalidSwarmException>(() => Parse(json)).Problems;
}
