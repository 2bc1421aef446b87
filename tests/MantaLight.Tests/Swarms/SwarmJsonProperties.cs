using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using CsCheck;
using MantaLight.Swarms;

namespace MantaLight.Tests.Swarms;

public sealed class SwarmJsonProperties
{
    private static readonly string[] Texts = ["Zürich", "\"quoted\"\n", "😀", "\u0001", "</script>"];

    private static readonly Gen<string> Id =
        Gen.Char["ABZaz09_-"].Array[1, 64].Select(c => new string(c));

    private static readonly Gen<ImmutableArray<string>> Ids =
        Id.Array[0, 3].Select(ids => ids.Distinct().ToImmutableArray());

    private static readonly Gen<JsonElement> Json = Gen.Recursive<JsonElement>((depth, inner) => depth > 3
        ? Gen.Int.Select(i => JsonSerializer.SerializeToElement(i))
        : Gen.OneOf(
            Gen.Double.Where(double.IsFinite).Select(d => JsonSerializer.SerializeToElement(d)),
            Gen.Bool.Select(b => JsonSerializer.SerializeToElement(b)),
            Gen.OneOf(Gen.String.AlphaNumeric, Gen.Int[0, 4].Select(i => Texts[i])).Select(s => JsonSerializer.SerializeToElement(s)),
            Gen.Const(JsonElement.Parse("null"u8)),
            inner.Array[0, 3].Select(a => JsonSerializer.SerializeToElement(a)),
            Gen.Dictionary(Id, inner)[0, 3].Select(d => JsonSerializer.SerializeToElement(d))));

    private static readonly Gen<JsonElement> Options =
        Gen.Dictionary(Id, Json)[0, 2].Select(d => d.Count == 0 ? default : JsonSerializer.SerializeToElement(d));

    private static readonly Gen<TaskMaximum?> Maximum = Gen.OneOf(
        Gen.Const(() => (TaskMaximum?)null),
        Gen.Int[2, 1_000_000].Select(c => (TaskMaximum?)new TaskMaximum(c, 0)),
        Gen.Double[0.0, 1.0].Where(f => f is > 0 and < 1).Select(f => (TaskMaximum?)new TaskMaximum(0, f)));

    private static readonly Gen<RoundsDefinition> Rounds =
        from maximum in Gen.Int[1, 1_000_000]
        from ticks in Gen.Long[1, TimeSpan.FromDays(7).Ticks]
        from quorum in Gen.OneOf(Gen.Double[0.0, 1.0].Where(q => q > 0), Gen.Int[2, 1_000_000].Select(q => (double)q))
        from retries in Gen.Int[0, 100]
        from nodes in Gen.Int[1, 1000]
        from shortfall in Gen.Int[0, 2].Select(p => (ShortfallPolicy)p)
        from leaveOut in Gen.Int[0, 1000]
        from adaptive in Gen.OneOf(Gen.Const(() => (AdaptiveDeadline?)null), Gen.Select(Gen.Double[1, 1000], Gen.Long[1, ticks], (factor, floor) => (AdaptiveDeadline?)new AdaptiveDeadline(factor, new TimeSpan(floor))))
        select new RoundsDefinition
        {
            Maximum = maximum, Deadline = new TimeSpan(ticks), AdaptiveDeadline = adaptive, Quorum = quorum, OnShortfall = shortfall, Retries = retries, LeaveOutAfter = leaveOut, MinimumNodes = nodes,
        };

    private static readonly Gen<SwarmDefinition> Definition =
        from name in Id
        from seed in Gen.ULong[0, 1ul << 53]
        from threads in Gen.Int[1, 256]
        from globals in Gen.Dictionary(Id, Json.Where(j => j.ValueKind != JsonValueKind.Null))[0, 3]
        from setup in Gen.OneOf(Gen.Const(() => (TaskDefinition?)null), TaskOf("setup", []).Select(t => (TaskDefinition?)(t with { Method = PlacementMethod.Any, Maximum = null })))
        from tasks in TasksOf(6)
        from rounds in Rounds
        select new SwarmDefinition
        {
            Name = name,
            Module = "My.Module",
            Seed = seed,
            Threads = threads,
            Globals = globals.ToImmutableSortedDictionary(StringComparer.Ordinal),
            Setup = setup,
            Tasks = tasks,
            Rounds = rounds,
        };

    [Fact]
    public void What_is_written_reads_back_as_the_same_definition() =>
        Definition.Sample(
            (definition) =>
            {
                Definitions.AssertSame(definition, SwarmJson.Parse(SwarmJson.Write(definition)));
                var compact = SwarmJson.Parse(SwarmJson.Write(definition, indented: false));
                Definitions.AssertSame(definition, compact);
                Assert.Equal(SwarmJson.HashOf(definition), SwarmJson.HashOf(compact));
            },
            iter: 300);

    [Fact]
    public void Damaged_definitions_are_refused_and_never_crash()
    {
        var mutation = Gen.Select(Gen.Int[0, 3], Gen.Int[0, 2000], Gen.Byte, Gen.Int[1, 40]);
        Gen.Select(Gen.OneOf(Gen.Const(Encoding.UTF8.GetBytes(Definitions.Mnist)), Definition.Select(d => SwarmJson.Write(d))), mutation.Array[1, 4])
            .Sample((bytes, mutations) => Survives(mutations.Aggregate(bytes, Mutate)), iter: 2000);
    }

    [Fact]
    public void Definitions_with_a_value_of_another_kind_anywhere_are_refused_or_read_and_never_crash() =>
        Gen.Select(Gen.Int[0, 60], Json).Sample(
            (position, value) =>
            {
                // Replaces the value behind one of the colons or commas of the definition.
                var text = Definitions.Mnist;
                var at = -1;
                for (var i = 0; i <= position; i++)
                {
                    var next = text.IndexOfAny([':', ',', '['], at + 1);
                    at = next < 0 ? text.IndexOf(':', StringComparison.Ordinal) : next;
                }
                var end = text.IndexOfAny([',', '}', ']'], at + 1);
                if (end > 0)
                    Survives(Encoding.UTF8.GetBytes(text[..(at + 1)] + value.GetRawText() + text[end..]));
            },
            iter: 1000);

    private static void Survives(byte[] bytes)
    {
        try
        {
            // What is still a definition is one in full: it can be written and read again.
            var definition = SwarmJson.Parse(bytes);
            Definitions.AssertSame(definition, SwarmJson.Parse(SwarmJson.Write(definition, indented: false)));
            _ = new SwarmGraph(definition);
        }
        catch (InvalidSwarmException e)
        {
            Assert.NotEmpty(e.Problems);
            Assert.All(e.Problems, p => Assert.StartsWith("$", p, StringComparison.Ordinal));
        }
    }

    private static byte[] Mutate(byte[] bytes, (int Kind, int Position, byte Value, int Length) mutation)
    {
        if (bytes.Length == 0)
            return bytes;
        var at = mutation.Position % bytes.Length;
        var length = Math.Min(mutation.Length, bytes.Length - at);
        return mutation.Kind switch
        {
            0 => [.. bytes[..at], mutation.Value, .. bytes[(at + 1)..]],
            1 => [.. bytes[..at], .. bytes[(at + length)..]],
            2 => [.. bytes[..(at + length)], .. bytes[at..]],
            _ => bytes[..at],
        };
    }

    private static Gen<ImmutableArray<TaskDefinition>> TasksOf(int most) =>
        from count in Gen.Int[1, most]
        from edges in Gen.Bool.Array[count * count]
        from tasks in TaskOf("", []).Array[count]
        select tasks.Select((task, i) => task with
        {
            Alias = $"t{i}",
            // Edges from earlier tasks alone, so that there is no cycle.
            After = task.Asynchronous is not null ? [] : [.. Enumerable.Range(0, i).Where(j => edges[(i * count) + j]).Select(j => $"t{j}")],
        }).ToImmutableArray();

    private static Gen<TaskDefinition> TaskOf(string alias, ImmutableArray<string> after) =>
        from method in Gen.Bool.Select(all => all ? PlacementMethod.All : PlacementMethod.Any)
        from maximum in Maximum
        from flags in Gen.Select(Gen.Bool, Gen.Bool)
        from specified in Ids
        from excepted in Ids
        from datasets in Ids
        from tags in Ids
        from options in Options
        from buffer in Gen.Int[1, 256]
        from isAsynchronous in Gen.Bool
        select new TaskDefinition
        {
            Alias = alias,
            Type = "Some_Type1",
            Method = method,
            Maximum = maximum,
            Fixed = flags.Item1,
            Gpu = flags.Item2,
            SpecifiedIds = specified,
            ExceptedIds = [.. excepted.Except(specified)],
            Datasets = datasets,
            Tags = tags,
            After = after,
            Asynchronous = isAsynchronous && alias.Length == 0 && method == PlacementMethod.All ? new AsynchronousDefinition(buffer, buffer % 51) : null,
            Options = options,
        };
}
