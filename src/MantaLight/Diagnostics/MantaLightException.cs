namespace MantaLight;

/// <summary>The base of every error that MantaLight raises on purpose; each message says what, where, and what to do.</summary>
public abstract class MantaLightException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Nobody answered at the broker's address.</summary>
public sealed class BrokerUnreachableException(string message, Exception? inner = null) : MantaLightException(message, inner);

/// <summary>The broker said no: to the connection, to a message, or because it lacks what the protocol needs.</summary>
public sealed class BrokerRefusedException(string message, Exception? inner = null) : MantaLightException(message, inner);

/// <summary>The connection to the broker is down, or went down before the acknowledgement.</summary>
public sealed class BrokerConnectionLostException(string message, Exception? inner = null) : MantaLightException(message, inner);

/// <summary>Bytes that should be a message, a blob or an array file are not.</summary>
public sealed class MalformedDataException(string message, Exception? inner = null) : MantaLightException(message, inner);

/// <summary>Weights that do not fit the model or the other participants: names, shapes, types, NaN or infinities.</summary>
public sealed class IncompatibleWeightsException(string message, Exception? inner = null) : MantaLightException(message, inner);

/// <summary>A blob could not be had: nobody serves it, or what came does not match its hash.</summary>
public sealed class BlobUnavailableException(string message, Exception? inner = null) : MantaLightException(message, inner);

/// <summary>The node's own disk is full, or cannot be written to.</summary>
public sealed class NodeStorageException(string message, Exception? inner = null) : MantaLightException(message, inner);

/// <summary>A data set is not mapped on this node, or its files are not what the task expects.</summary>
public sealed class DatasetException(string message, Exception? inner = null) : MantaLightException(message, inner);

/// <summary>A swarm definition that cannot run; the message lists every problem with its JSON path.</summary>
public sealed class InvalidSwarmException(string message, Exception? inner = null) : MantaLightException(message, inner)
{
    /// <summary>Each problem as <c>JSON path: what was found; what was expected</c>; at most 100 of them.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];
}

/// <summary>A module (an assembly with tasks) is not there or has no such task.</summary>
public sealed class ModuleException(string message, Exception? inner = null) : MantaLightException(message, inner);

/// <summary>A task asked for something that is not there or not allowed: a global, a result, an option.</summary>
public sealed class TaskContractException(string message, Exception? inner = null) : MantaLightException(message, inner);

/// <summary>Another process uses this node's id.</summary>
public sealed class NodeIdTakenException(string message, Exception? inner = null) : MantaLightException(message, inner);

/// <summary>A setting is missing or out of its range.</summary>
public sealed class InvalidSettingException(string message, Exception? inner = null) : MantaLightException(message, inner);

/// <summary>A checkpoint's file cannot be written or read, or is not one that a run can go on from.</summary>
public sealed class CheckpointException(string message, Exception? inner = null) : MantaLightException(message, inner);
