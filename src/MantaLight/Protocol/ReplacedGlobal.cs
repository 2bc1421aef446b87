namespace MantaLight.Protocol;

/// <summary>A global that a task of the round under way has set, with what had stood there: that is what tasks read which do not come after it.</summary>
public sealed record ReplacedGlobal
{
    /// <summary>The task that has set it.</summary>
    public string Alias { get; set; } = "";

    /// <summary>The global.</summary>
    public string Tag { get; set; } = "";

    /// <summary>What had been committed before; absent where that was nothing, and the definition's own value counts, if it has one.</summary>
    public GlobalEntry? Before { get; set; }

    /// <summary>Whether its ids and its pointer can be what they should be.</summary>
    public bool IsSound() => Identifier.IsValid(Alias) && Identifier.IsValid(Tag) && (Before is null || (Before.Tag == Tag && Before.Content.IsSound()));
}
