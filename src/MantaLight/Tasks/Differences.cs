namespace MantaLight.Tasks;

/// <summary>What tasks without a barrier send: differences from the global that they began with, since nobody else may have that any more.</summary>
internal static class Differences
{
    /// <summary>The tag of the global from which the weights of a result are a difference; where there is none of that tag they travel as they are.</summary>
    public static string GlobalOf(string tag) => $"global_{tag}";
}

/// <summary>Options of a task that combines contributions.</summary>
internal interface ICombiningOptions
{
    /// <summary>The tag of the contributions.</summary>
    string Contributions { get; }

    /// <summary>The tag of the model.</summary>
    string Global { get; }

    /// <summary>Why it cannot combine differences of different age; null where it can.</summary>
    string? Misfit { get; }
}
