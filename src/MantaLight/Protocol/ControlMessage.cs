using System.Text.Json.Serialization;

namespace MantaLight.Protocol;

/// <summary>
/// A message of the control plane: UTF-8 JSON whose <c>type</c> is one of a closed list. The envelope is stamped by
/// the sender's shell (<see cref="MessageStamp"/>); the state machines leave it empty.
/// </summary>
/// <remarks>
/// Messages are never changed once they are made. Their properties have setters all the same, because generated JSON
/// readers give init-only ones that are absent from a message zeros and nulls instead of their defaults.
/// </remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Presence), "presence")]
[JsonDerivedType(typeof(AreYouThere), "are_you_there")]
[JsonDerivedType(typeof(WhoIsThere), "who_is_there")]
[JsonDerivedType(typeof(RollCall), "roll_call")]
[JsonDerivedType(typeof(Recall), "recall")]
[JsonDerivedType(typeof(Recollection), "recollection")]
[JsonDerivedType(typeof(CancelAttempt), "cancel")]
[JsonDerivedType(typeof(FetchAhead), "fetch_ahead")]
[JsonDerivedType(typeof(BlobRequest), "blob_request")]
[JsonDerivedType(typeof(BlobRefusal), "blob_refusal")]
[JsonDerivedType(typeof(SwarmControl), "control")]
[JsonDerivedType(typeof(CoordinatorClaim), "claim")]
[JsonDerivedType(typeof(CoordinatorBeat), "beat")]
[JsonDerivedType(typeof(CoordinatorLost), "lost")]
[JsonDerivedType(typeof(SwarmState), "state")]
[JsonDerivedType(typeof(ScheduleAttempt), "schedule")]
[JsonDerivedType(typeof(TaskAccepted), "accepted")]
[JsonDerivedType(typeof(TaskRunning), "running")]
[JsonDerivedType(typeof(TaskCompleted), "completed")]
[JsonDerivedType(typeof(TaskFailed), "failed")]
[JsonDerivedType(typeof(TaskAbandoned), "abandoned")]
[JsonDerivedType(typeof(GlobalValue), "global")]
[JsonDerivedType(typeof(ResultValue), "result")]
[JsonDerivedType(typeof(TaskLog), "log")]
public abstract record ControlMessage
{
    /// <summary>The protocol's version.</summary>
    public const int Version = 1;

    /// <summary>The protocol version of the sender.</summary>
    /// <value>1.</value>
    [JsonPropertyOrder(-10)]
    public int V { get; set; } = Version;

    /// <summary>The sender's node id (or a tool's name).</summary>
    [JsonPropertyOrder(-9)]
    public string From { get; set; } = "";

    /// <summary>Which start of the sender it is.</summary>
    [JsonPropertyOrder(-8)]
    public string Incarnation { get; set; } = "";

    /// <summary>Distinct for every message of an incarnation.</summary>
    [JsonPropertyOrder(-7)]
    public string Id { get; set; } = "";

    /// <summary>The sender's clock; informative only, no decision rests on it.</summary>
    [JsonPropertyOrder(-6)]
    public DateTimeOffset Sent { get; set; }
}

/// <summary>A message that concerns one run of a swarm.</summary>
public abstract record RunMessage : ControlMessage
{
    /// <summary>The run (<see cref="RunId"/>).</summary>
    public string Run { get; set; } = "";
}

/// <summary>A message that only a run's coordinator sends; receivers order authority by (term, node).</summary>
public abstract record CoordinatorMessage : RunMessage
{
    /// <summary>The term of the sender's claim.</summary>
    public long Term { get; set; }
}

/// <summary>Stamps messages with their envelope.</summary>
/// <param name="Node">The sender.</param>
/// <param name="Incarnation">Its incarnation.</param>
/// <param name="Time">Its clock.</param>
public sealed record MessageStamp(string Node, string Incarnation, TimeProvider Time)
{
    private long last;

    /// <summary>Returns the message with its envelope filled in.</summary>
    public T Stamp<T>(T message)
        where T : ControlMessage => message with
        {
            From = Node,
            Incarnation = Incarnation,
            Id = $"{Incarnation}-{Interlocked.Increment(ref last)}",
            Sent = Time.GetUtcNow(),
        };
}
