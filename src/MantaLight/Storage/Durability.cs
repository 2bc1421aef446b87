namespace MantaLight.Storage;

/// <summary>When a file survives the loss of power, too. The death of the process it survives from the moment that it has its name.</summary>
internal enum Durability
{
    /// <summary>When the system finds time: it can be had again.</summary>
    Sometime,

    /// <summary>
    /// A moment later: whoever writes it does not wait. For files that carry their own hash and replace none that must not be
    /// lost: what power has torn is found and dropped, and made again.
    /// </summary>
    Soon,

    /// <summary>Before it has its name: what it replaces is there until it is.</summary>
    First,
}
