namespace MantaLight.Protocol;

/// <summary>The topics of one cluster. Ids must be valid: they never contain a separator or wildcard.</summary>
public sealed class Topics
{
    /// <summary>The topics of <paramref name="cluster"/>.</summary>
    /// <exception cref="InvalidSettingException">The cluster's name is not an id.</exception>
    public Topics(string cluster)
    {
        Cluster = Identifier.Require(cluster, "Cluster");
        Prefix = $"mantalight/{cluster}/";
    }

    /// <summary>The cluster.</summary>
    public string Cluster { get; }

    /// <summary>What all of its topics begin with.</summary>
    public string Prefix { get; }

    /// <summary>A node's presence (retained, with will).</summary>
    public string Presence(string node) => $"{Prefix}nodes/{node}";

    /// <summary>Everybody's presence.</summary>
    public string AllPresence => $"{Prefix}nodes/+";

    /// <summary>Roll calls, cancellations and blob requests to a node.</summary>
    public string Inbox(string node) => $"{Prefix}nodes/{node}/inbox";

    /// <summary>A chunk that the node asked for.</summary>
    public string NodeBlob(string node, string hash, int chunk) => $"{Prefix}nodes/{node}/blobs/{hash}/{chunk}";

    /// <summary>What the topics of all chunks that the node asked for begin with.</summary>
    public string NodeBlobs(string node) => $"{Prefix}nodes/{node}/blobs/";

    /// <summary>All chunks that the node asked for.</summary>
    public string AllNodeBlobs(string node) => $"{Prefix}nodes/{node}/blobs/+/+";

    /// <summary>A swarm's definition (retained).</summary>
    public string Definition(string swarm) => $"{Prefix}swarms/{swarm}";

    /// <summary>All definitions.</summary>
    public string AllDefinitions => Definition("+");

    /// <summary>The owner's start, pause, resume and stop.</summary>
    public string Control(string swarm) => $"{Prefix}swarms/{swarm}/control";

    /// <summary>The coordinator's claim (retained).</summary>
    public string Coordinator(string swarm) => $"{Prefix}swarms/{swarm}/coordinator";

    /// <summary>The coordinator's sign of life.</summary>
    public string Beat(string swarm) => $"{Prefix}swarms/{swarm}/coordinator/beat";

    /// <summary>The coordinator's question to everybody who is there.</summary>
    public string Census(string swarm) => $"{Prefix}swarms/{swarm}/coordinator/census";

    /// <summary>The coordinator's end, published by itself or as its will.</summary>
    public string Lost(string swarm) => $"{Prefix}swarms/{swarm}/coordinator/lost";

    /// <summary>The committed state (retained).</summary>
    public string State(string swarm) => $"{Prefix}swarms/{swarm}/state";

    /// <summary>Schedule messages to a node.</summary>
    public string Schedule(string swarm, string node) => $"{Prefix}swarms/{swarm}/schedule/{node}";

    /// <summary>A node's task updates; <c>+</c> for all nodes'.</summary>
    public string Tasks(string swarm, string node) => $"{Prefix}swarms/{swarm}/tasks/{node}";

    /// <summary>A committed global (retained).</summary>
    public string Global(string swarm, string tag) => $"{Prefix}swarms/{swarm}/globals/{tag}";

    /// <summary>All committed globals of a swarm.</summary>
    public string AllGlobals(string swarm) => $"{Prefix}swarms/{swarm}/globals/+";

    /// <summary>A node's result, for watchers.</summary>
    public string Result(string swarm, string node, string tag) => $"{Prefix}swarms/{swarm}/results/{node}/{tag}";

    /// <summary>A chunk of a global (retained).</summary>
    public string SwarmBlob(string swarm, string hash, int chunk) => $"{SwarmBlobs(swarm, hash)}/{chunk}";

    /// <summary>The parent of a global's chunks.</summary>
    public string SwarmBlobs(string swarm, string hash) => $"{Prefix}swarms/{swarm}/blobs/{hash}";

    /// <summary>All chunks of a swarm's globals.</summary>
    public string AllSwarmBlobs(string swarm) => $"{Prefix}swarms/{swarm}/blobs/+/+";

    /// <summary>A node's task log records.</summary>
    public string Logs(string swarm, string node) => $"{Prefix}swarms/{swarm}/logs/{node}";

    /// <summary>The levels behind the cluster's prefix; empty for a topic of another cluster or with an invalid id among them.</summary>
    public string[] Split(string topic)
    {
        if (!topic.StartsWith(Prefix, StringComparison.Ordinal))
            return [];
        var levels = topic[Prefix.Length..].Split('/');
        return Array.TrueForAll(levels, Identifier.IsValid) ? levels : [];
    }
}
