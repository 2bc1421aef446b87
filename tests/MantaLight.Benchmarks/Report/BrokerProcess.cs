using System.Diagnostics;
using System.Globalization;

namespace MantaLight.Benchmarks.Report;

/// <summary>A broker in a process of its own.</summary>
internal sealed class BrokerProcess : IDisposable
{
    /// <summary>The names of those that there are: the product's own, and mosquitto.</summary>
    public static readonly IReadOnlyList<string> Names = ["embedded", "mosquitto"];

    private readonly IDisposable owner;

    private BrokerProcess(string uri, int processId, IDisposable owner) => (Uri, ProcessId, this.owner) = (uri, processId, owner);

    /// <summary>Where it listens.</summary>
    public string Uri { get; }

    /// <summary>Its number in the system.</summary>
    public int ProcessId { get; }

    /// <summary>Starts one; null, with a word on standard error, where it is not installed.</summary>
    public static BrokerProcess? TryStart(string name)
    {
        if (name == "embedded")
            return StartEmbedded();
        if (Mosquitto.TryStart() is { } mosquitto)
            return new BrokerProcess(mosquitto.Uri, mosquitto.ProcessId, mosquitto);
        Console.Error.WriteLine("mosquitto is not installed; its rows are left out.");
        return null;
    }

    public void Dispose() => owner.Dispose();

    private static BrokerProcess StartEmbedded()
    {
        var port = Mosquitto.FreePort().ToString(CultureInfo.InvariantCulture);
        var process = WholeProcess.Start("broker", "--port", port, "--web-port", "-1");
        // Its first line says that it listens.
        if (process.StandardOutput.ReadLine() is null)
            throw new InvalidOperationException("The broker ended before it listened.");
        return new BrokerProcess($"mqtt://127.0.0.1:{port}", process.Id, new Ending(process));
    }

    private sealed class Ending(Process process) : IDisposable
    {
        public void Dispose()
        {
            Children.Kill(process);
            process.WaitForExit();
            process.Dispose();
        }
    }
}
