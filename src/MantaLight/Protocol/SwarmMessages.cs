using System.Text.Json.Serialization;

namespace MantaLight.Protocol;

/// <summary>What an owner can ask.</summary>
[JsonConverter(typeof(SnakeCaseEnum<SwarmAction>))]
public enum SwarmAction
{
    /// <summary>Run the definition again after it has ended.</summary>
    Start,

    /// <summary>Schedule nothing new until resumed.</summary>
    Pause,

    /// <summary>Go on: a paused run, or one that was stopped or has failed, from its last commit.</summary>
    Resume,

    /// <summary>End the run as stopped.</summary>
    Stop,
}

/// <summary>An owner's request. Only <c>type</c> and <c>action</c> are needed, so that a person can type it.</summary>
public sealed record SwarmControl : ControlMessage
{
    /// <summary>The request.</summary>
    public SwarmAction Action { get; set; }
}

/// <summary>Who coordinates (retained).</summary>
public sealed record CoordinatorClaim : ControlMessage
{
    /// <summary>The term: one more than any before it.</summary>
    public long Term { get; set; }

    /// <summary>Whether its holder has said goodbye, so that a successor need not wait.</summary>
    public bool Released { get; set; }
}

/// <summary>The coordinator lives.</summary>
public sealed record CoordinatorBeat : ControlMessage
{
    /// <summary>The term.</summary>
    public long Term { get; set; }
}

/// <summary>The coordinator has gone: by itself or, as its will, by the broker's word.</summary>
public sealed record CoordinatorLost : ControlMessage
{
    /// <summary>The term; 0 in a will that was left before the term was known.</summary>
    public long Term { get; set; }

    /// <summary>Whether it said goodbye itself.</summary>
    public bool Graceful { get; set; }
}
