using System.Diagnostics;
using System.Text.Json;

namespace MantaLight.Benchmarks.Report;

/// <summary>
/// A Python script beside this program whose runs take turns with ours: it prints a JSON object with what it is, as <c>text</c>, and one of figures by
/// name for each line that it is sent. Between them it waits.
/// </summary>
internal sealed class PeerInTurn : IDisposable
{
    private readonly Process process;

    private PeerInTurn(Process process, string text) => (this.process, Text) = (process, text);

    /// <summary>What it is, with its version and libraries.</summary>
    public string Text { get; }

    /// <summary>Its process.</summary>
    public int Id => process.Id;

    /// <summary>Starts a script, and waits until it is ready.</summary>
    /// <returns>Null, with the reason on standard error, where Python or a library is not installed.</returns>
    public static PeerInTurn? Start(string script, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = Python.Script(script, arguments, environment);
        start.RedirectStandardInput = true;
        try
        {
            var process = Children.Start(start);
            if (process.StandardOutput.ReadLine() is { } line)
                return new PeerInTurn(process, JsonSerializer.Deserialize<Dictionary<string, string>>(line)!["text"]);
            process.Dispose();
            Python.LeftOut(script, "has ended");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Python.LeftOut(script, $"cannot be started ({e.Message})");
        }
        return null;
    }

    /// <summary>Its next run.</summary>
    public Dictionary<string, double> Run()
    {
        process.StandardInput.WriteLine();
        process.StandardInput.Flush();
        return JsonSerializer.Deserialize<Dictionary<string, double>>(process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The peer has ended."))!;
    }

    /// <summary>Lets it end.</summary>
    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }
}
