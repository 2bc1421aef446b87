namespace MantaLight.Simulation;

/// <summary>Has a client's handlers called one after the other, as a receive loop does it, whatever order the process's tasks run in.</summary>
internal sealed class ReceiveLoop(SimulatedProcess process)
{
    private readonly Queue<Action> inbox = new();
    private bool pumping;

    public void Add(Action action)
    {
        inbox.Enqueue(action);
        if (pumping)
            return;
        pumping = true;
        process.Post(Pump);
    }

    private void Pump()
    {
        pumping = false;
        inbox.Dequeue()();
        if (inbox.Count == 0 || pumping)
            return;
        pumping = true;
        process.Post(Pump);
    }
}
