namespace MantaLight.Simulation;

/// <summary>What goes wrong in a history, and when.</summary>
internal sealed class Faults(World world, FaultyBroker broker, HistoryPlan plan, SimulatedNode[] nodes)
{
    public bool IsOver => world.Now >= TimeSpan.Zero && broker is not null && plan is not null && nodes.Length > 0;

    public void Start() => world.Trace.Write("faults", plan.Faults.ToString(System.Globalization.CultureInfo.InvariantCulture));
}
