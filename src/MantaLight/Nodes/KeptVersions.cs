namespace MantaLight.Nodes;

/// <summary>
/// What one node keeps from round to round of a run, by name. What a round has set counts only if its record did: until that is known, it and what was before it are both here.
/// </summary>
/// <typeparam name="T">Where a version is.</typeparam>
internal sealed class KeptVersions<T>
{
    private readonly Dictionary<string, List<KeptVersion<T>>> names = new(StringComparer.Ordinal);

    /// <summary>The names.</summary>
    public IReadOnlyCollection<string> Names => names.Keys;

    /// <summary>All versions.</summary>
    public IEnumerable<(string Name, KeptVersion<T> Version)> All => names.SelectMany(n => n.Value.Select(version => (n.Key, version)));

    /// <summary>The task that a name belongs to; null where nothing is kept under it.</summary>
    public string? OwnerOf(string name) => names.GetValueOrDefault(name)?[0].Alias;

    /// <summary>Takes a version in, in place of what an earlier attempt of its round had set; one that comes when a later round has counted is passed over.</summary>
    public void Put(string name, KeptVersion<T> version)
    {
        if (!names.TryGetValue(name, out var versions))
            names[name] = versions = [];
        if (versions.Exists(v => v.IsSettled && v.Round > version.Round))
            return;
        versions.RemoveAll(v => v.Round == version.Round);
        versions.Add(version);
    }

    /// <summary>
    /// The version that an attempt reads: the last one of the rounds before or, where the task that has set it comes before its own in the graph, of its own round; but none of an attempt that
    /// has not completed, or is known not to count.
    /// </summary>
    /// <param name="name">The name.</param>
    /// <param name="round">The attempt's round.</param>
    /// <param name="alias">The attempt's task.</param>
    /// <param name="before">The tasks that its own waits for.</param>
    public KeptVersion<T>? Find(string name, int round, string alias, IReadOnlySet<string> before) => names.GetValueOrDefault(name)?
        .Where(v => v.IsMade && v is not { IsSettled: false, Counts: false } && (v.Round < round || (v.Round == round && v.Alias != alias && before.Contains(v.Alias))))
        .MaxBy(v => v.Round);

    /// <summary>Whether an attempt has set something.</summary>
    public bool Has(int round, string alias) => Of(round, alias).Any();

    /// <summary>Takes note that an attempt has completed.</summary>
    public void Complete(int round, string alias)
    {
        foreach (var version in Of(round, alias))
            version.IsMade = true;
    }

    /// <summary>Takes note of what a state says of a round's records before the round is over, or of a round that it tells nothing of any more.</summary>
    /// <param name="round">The round.</param>
    /// <param name="alias">The task.</param>
    /// <param name="counts">Whether the node's record counts; null where the state does not tell.</param>
    public void Tell(int round, string alias, bool? counts)
    {
        foreach (var version in Of(round, alias))
            (version.IsTold, version.Counts) = (true, counts ?? version.Counts);
    }

    /// <summary>Whether the record of a round counts, as far as a state has told.</summary>
    public bool? Counts(int round, string alias) => Of(round, alias).FirstOrDefault()?.Counts;

    /// <summary>Takes note of what has become of an attempt.</summary>
    /// <returns>What is not needed any more.</returns>
    public IReadOnlyList<T> Settle(int round, string alias, bool counted)
    {
        var dropped = new List<T>();
        foreach (var (name, versions) in names.ToArray())
        {
            if (versions.Find(v => v.Round == round && v.Alias == alias) is not { } own)
                continue;
            own.IsSettled = counted;
            foreach (var version in versions.Where(v => counted ? v.Round < round : v == own).ToArray())
                Drop(name, version, dropped);
        }
        return dropped;
    }

    /// <summary>Takes one out, where it is still there.</summary>
    public void Drop(string name, KeptVersion<T> version)
    {
        if (names.TryGetValue(name, out var versions) && versions.Remove(version) && versions.Count == 0)
            names.Remove(name);
    }

    private void Drop(string name, KeptVersion<T> version, List<T> dropped)
    {
        Drop(name, version);
        dropped.Add(version.Value);
    }

    private IEnumerable<KeptVersion<T>> Of(int round, string alias) => names.Values.SelectMany(v => v).Where(v => v.Round == round && v.Alias == alias);
}

/// <summary>What an attempt has set under a name.</summary>
/// <param name="round">Its round.</param>
/// <param name="alias">Its task.</param>
/// <param name="value">Where it is.</param>
internal sealed class KeptVersion<T>(int round, string alias, T value)
{
    public int Round => round;

    public string Alias => alias;

    public T Value { get; set; } = value;

    /// <summary>Whether its attempt has completed.</summary>
    public bool IsMade { get; set; }

    /// <summary>Whether its round is over, and it counted.</summary>
    public bool IsSettled { get; set; }

    /// <summary>Whether a state has told what there is to tell.</summary>
    public bool IsTold { get; set; }

    /// <summary>Whether its record counts, as far as a state has told.</summary>
    public bool? Counts { get; set; }
}
