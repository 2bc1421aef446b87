using System.Buffers;
using System.Security.Cryptography;
using MantaLight.Aggregation;
using MantaLight.Aggregation.Rules;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Simulation;

/// <summary>
/// Swarms without a barrier: a record is in the buffer of one round, or of none; a buffer is full, not too old, and does not grow once it is committed; what it had is in what is made of it, or is named; and that is bit for
/// bit what the rule makes of the differences from the versions that they began with.
/// </summary>
internal sealed class BufferCheck(World world, HistoryPlan plan) : ICheck
{
    private const string Alias = "worker";

    private static readonly BufferedMean Rule = new(rate: 1, BufferedMean.UsualExponent);

    private readonly Dictionary<string, RunBook> runs = new(StringComparer.Ordinal);

    // Whatever has been committed, by its hash: another start of a definition goes on with it.
    private readonly Dictionary<string, float[]> known = new(StringComparer.Ordinal);

    private readonly HashSet<(string Run, string Node, int Round)> records = [];

    /// <summary>How many buffers were checked, and how many of their records came late.</summary>
    public int Count { get; private set; }

    public int Late { get; private set; }

    public void Seen(Sighting sighting)
    {
        switch (sighting.Message)
        {
            case TaskCompleted { Alias: Alias } record:
                records.Add((record.Run, record.From, record.Round));
                break;
            case TaskCompleted record when record.Globals.FirstOrDefault(g => g.Tag == VectorMath.Global)?.Content.Blob is { } made:
                Book(record.Run).Made.Add((record.Round, made.Sha256));
                break;
            case ScheduleAttempt { Alias: "aggregator" } order when PlanOf(sighting.Swarm) is not null:
                Ordered(order);
                break;
            case SwarmState state when PlanOf(state.Swarm) is { } swarm && !state.Status.IsRemoval():
                StateSeen(swarm, state);
                break;
        }
    }

    // Whoever knew most may be away: rounds are done again, with others in their buffers.
    public void RetainedLost()
    {
        foreach (var run in runs.Values)
            run.Forget();
    }

    private SwarmPlan? PlanOf(string swarm) => plan.Swarms.FirstOrDefault(s => s.Name == swarm && s.Buffer is not null);

    private RunBook Book(string run) => runs.TryGetValue(run, out var book) ? book : runs[run] = new RunBook();

    private void Ordered(ScheduleAttempt order)
    {
        var book = Book(order.Run);
        Member[] inputs = [.. order.Inputs.Where(i => i.Staged.Tag == "model_params").Select(i => new Member(i.Node, i.Round ?? order.Round))];
        book.Orders.Add((order.Round, order.Term, inputs));
        if (book.Last is { } last && (last.Round, last.Term) == (order.Round, order.Term) && !Counted(last).SetEquals(inputs))
            world.Fail($"Attempt {order.Attempt} is given {Text(inputs)} where the buffer of round {order.Round} has {Text(Counted(last))}.");
    }

    private void StateSeen(SwarmPlan swarm, SwarmState state)
    {
        var book = Book(state.Run);
        if (state.Globals.FirstOrDefault(g => g.Tag == VectorMath.Global) is { Content.Blob.Sha256: var hash } entry)
            ModelSeen(state, entry, hash, book);
        foreach (var summary in state.History.Where(h => book.Buffers.ContainsKey(h.Round) && book.Closed.Add(h.Round)))
            RoundClosed(state, summary, book);
        if (state.Tasks.FirstOrDefault(t => t.Alias == Alias) is { } worker)
            BufferSeen(swarm, state, worker, book);
        book.Last = state;
    }

    private void BufferSeen(SwarmPlan swarm, SwarmState state, TaskState worker, RunBook book)
    {
        var counted = Counted(state);
        if (worker.Phase != TaskPhase.Committed)
            return;
        if (!book.Buffers.TryGetValue(state.Round, out var before))
        {
            var flying = worker.InFlight!.Value.Sum(g => g.Nodes.Length);
            if (book.Last is not null && counted.Count != swarm.Buffer && (counted.Count > swarm.Buffer || flying > 0))
                world.Fail($"Swarm {state.Swarm} closes the buffer of round {state.Round} with {Text(counted)}, where {swarm.Buffer} fill it and {flying} are under way.");
            Count++;
            Late += counted.Count(m => m.Round < state.Round);
            book.First[state.Round] = counted;
        }
        else if (!counted.IsSubsetOf(before))
        {
            world.Fail($"Swarm {state.Swarm}: the buffer of round {state.Round} had {Text(before)}, and has {Text(counted)}.");
        }
        book.Buffers[state.Round] = counted;
        foreach (var member in counted)
        {
            if (state.Round - member.Round > swarm.Staleness || member.Round > state.Round)
                world.Fail($"Swarm {state.Swarm} counts {member} in round {state.Round}, which may be {swarm.Staleness} rounds later at most.");
            if (!records.Contains((state.Run, member.Node, member.Round)))
                world.Fail($"Swarm {state.Swarm} counts {member}, which nobody has told.");
            if (book.Buffers.FirstOrDefault(b => b.Key != state.Round && !book.Skipped.Contains(b.Key) && b.Value.Contains(member)) is { Value: not null } other)
                world.Fail($"Swarm {state.Swarm} counts {member} in round {state.Round}, and in round {other.Key} too.");
        }
    }

    private void RoundClosed(SwarmState state, RoundSummary summary, RunBook book)
    {
        if (summary.Skipped is not null)
        {
            // What a model was made of stays counted.
            if (!book.Versions.ContainsKey(summary.Round))
                book.Skipped.Add(summary.Round);
            return;
        }
        if (!book.Makers.TryGetValue(summary.Round, out var makers))
            return;
        foreach (var lost in book.First[summary.Round].Where(m => !makers.Contains(m) && summary.LeftOut.All(l => l.Node != m.Node)))
            world.Fail($"Swarm {state.Swarm} had {lost} in the buffer of round {summary.Round}, and made its model of {Text(makers)} without a word.");
    }

    private void ModelSeen(SwarmState state, GlobalEntry entry, string hash, RunBook book)
    {
        if (book.Versions.TryGetValue(entry.Round, out var same) && same == hash)
            return;
        if (entry.Round == 0)
            known[hash] = VectorMath.First(ValueCheck.Length);
        else if (!book.Made.Contains((entry.Round, hash)) && known.ContainsKey(hash))
            _ = "it goes on with what another start has made";
        else if (book.Orders.Where(o => o.Round == entry.Round).Select(o => (o.Inputs, Values: Next(book, o.Round, o.Inputs))).FirstOrDefault(m => m.Values is not null && Hash(m.Values) == hash) is { Values: not null } made)
            (known[hash], book.Makers[entry.Round]) = (made.Values, [.. made.Inputs]);
        else
            world.Fail($"Swarm {state.Swarm} commits {hash[..8]} in round {entry.Round}, which is not what any of {string.Join("; ", book.Orders.Where(o => o.Round == entry.Round).Select(o => Text(o.Inputs)))} make.");
        foreach (var later in book.Versions.Keys.Where(round => round > entry.Round).ToArray())
            book.Versions.Remove(later);
        book.Versions[entry.Round] = hash;
    }

    /// <summary>What the rule makes of differences from the versions of their rounds; null where one of those is not known.</summary>
    private float[]? Next(RunBook book, int round, Member[] members)
    {
        if (VersionOf(book, round) is not { } now)
            return null;
        var sources = new List<WeightsSource>();
        using var reference = WeightsSource.Of(Vector.Of(now));
        foreach (var member in members)
        {
            if (VersionOf(book, member.Round) is not { } began)
                return null;
            using var from = Vector.Of(began);
            using var trained = Vector.Of(VectorMath.Trained(began, member.Node));
            sources.Add(new RebasedSource(WeightsSource.Of(ModelDifference.Of(trained, from)), reference));
        }
        var input = new RuleInput(sources, [.. members.Select(_ => 1L)], reference, Threads: 1) { Staleness = [.. members.Select(m => round - m.Round)] };
        using var result = Rule.Combine(input, CancellationToken.None).Weights;
        sources.ForEach(s => s.Dispose());
        return result[0].Span<float>().ToArray();
    }

    /// <summary>What a round began with.</summary>
    private float[]? VersionOf(RunBook book, int round) => book.Versions.LastOrDefault(v => v.Key < round) is { Value: { } hash } ? known.GetValueOrDefault(hash) : null;

    private static HashSet<Member> Counted(SwarmState state) =>
        [.. (state.Tasks.FirstOrDefault(t => t.Alias == Alias)?.Counted ?? []).SelectMany(g => g.Nodes.Select(node => new Member(node, g.Round)))];

    private static string Hash(float[] values)
    {
        using var arrays = Vector.Of(values);
        return Convert.ToHexStringLower(SHA256.HashData(WeightsCodec.Encode(arrays).ToArray()));
    }

    private static string Text(IEnumerable<Member> members) => string.Join(", ", members.OrderBy(m => m.Node, StringComparer.Ordinal));

    private sealed record Member(string Node, int Round)
    {
        public override string ToString() => $"{Node}@{Round}";
    }

    private sealed class RunBook
    {
        public SwarmState? Last { get; set; }

        /// <summary>Buffers by round, as they are and as they were first.</summary>
        public Dictionary<int, HashSet<Member>> Buffers { get; } = [];

        public Dictionary<int, HashSet<Member>> First { get; } = [];

        public HashSet<int> Skipped { get; } = [];

        public HashSet<int> Closed { get; } = [];

        public Dictionary<int, HashSet<Member>> Makers { get; } = [];

        public List<(int Round, long Term, Member[] Inputs)> Orders { get; } = [];

        public HashSet<(int Round, string Hash)> Made { get; } = [];

        /// <summary>The global's hash by the round that set it.</summary>
        public SortedDictionary<int, string> Versions { get; } = [];

        public void Forget()
        {
            Last = null;
            Buffers.Clear();
            First.Clear();
            Skipped.Clear();
            Closed.Clear();
            Makers.Clear();
        }
    }
}
