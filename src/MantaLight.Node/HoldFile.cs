namespace MantaLight.Node;

/// <summary>Holds attempts while a file names them, one <c>ROUND.ALIAS</c> to a line.</summary>
internal sealed class HoldFile(string path, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Waits until the file does not name the attempt, or is not there.</summary>
    public async Task WaitAsync(int round, string alias, CancellationToken cancellationToken)
    {
        var line = $"{round}.{alias}";
        while (Names(line))
            await Task.Delay(Interval, time, cancellationToken);
    }

    private bool Names(string line)
    {
        try
        {
            return File.ReadLines(path).Contains(line, StringComparer.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
