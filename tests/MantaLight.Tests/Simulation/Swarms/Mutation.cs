namespace MantaLight.Simulation;

/// <summary>A rule of the coordination that is broken on purpose, to see that the checks find out.</summary>
internal enum Mutation
{
    None,

    /// <summary>The term is one more than the node remembers, whatever claim is retained.</summary>
    TermFromMemory,

    /// <summary>A coordinator acts as soon as it has read back its claim.</summary>
    NoGrace,

    /// <summary>A coordinator whose connection was lost opens another and goes on.</summary>
    ActsAfterLoss,

    /// <summary>A node takes its own publishes for what the broker kept.</summary>
    CommitsUnread,

    /// <summary>Each copy of a schedule message counts anew.</summary>
    NoDedupe,

    /// <summary>Each copy of a record counts anew.</summary>
    NoRecordDedupe,

    /// <summary>Tasks read the globals of the moment that they are scheduled at.</summary>
    ReadsWhatIsThere,

    /// <summary>A node lets nothing on its disk go.</summary>
    NeverDeletes,
}
