namespace MantaLight.Simulation;

/// <summary>The most that broker and disks have had since it was read last.</summary>
internal sealed class SoakGauge(FaultyBroker broker, SimulatedNode[] nodes)
{
    private (int Files, long DiskBytes, int Topics, long BrokerBytes) most;

    public void Look() => most = (
        Math.Max(most.Files, nodes.Sum(n => n.Disk.Files)),
        Math.Max(most.DiskBytes, nodes.Sum(n => n.Disk.Bytes)),
        Math.Max(most.Topics, broker.Retained.Count),
        Math.Max(most.BrokerBytes, broker.Retained.Sum(r => (long)(r.Key.Length + r.Value.Length))));

    public (int Files, long DiskBytes, int Topics, long BrokerBytes) Read()
    {
        Look();
        var read = most;
        most = default;
        return read;
    }
}
