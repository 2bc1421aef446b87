using System.Runtime.CompilerServices;

namespace MantaLight.Cli.Doctor;

/// <summary>All checks, one after the other. What one of them stumbles over is its finding, and the others go on.</summary>
internal sealed class Examination(DoctorSettings settings, CliConsole console, TimeProvider time)
{
    /// <summary>Looks at everything; findings come as they are made.</summary>
    public async IAsyncEnumerable<Finding> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return settings.Found;
        var clock = new ClockCheck(time);
        (string Area, IAsyncEnumerable<Finding> Findings)[] parts =
        [
            ("broker", new BrokerCheck(settings, time).RunAsync(cancellationToken)),
            ("nodes", new NodesCheck(settings, time).RunAsync(cancellationToken)),
            ("disk", new DiskCheck(settings.StateFolder, time).RunAsync(cancellationToken)),
            ("torch", new TorchCheck(time).RunAsync(cancellationToken)),
            ("modules", new ModuleCheck(settings, console).RunAsync(cancellationToken)),
            ("data", new DataCheck(settings).RunAsync(cancellationToken)),
            ("clock", clock.RunAsync(cancellationToken)),
        ];
        foreach (var (area, findings) in parts)
        {
            await foreach (var finding in GuardAsync(area, findings, cancellationToken))
                yield return finding;
        }
    }

    private static async IAsyncEnumerable<Finding> GuardAsync(
        string area, IAsyncEnumerable<Finding> findings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var each = findings.GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            Finding finding;
            var over = false;
            try
            {
                over = !await each.MoveNextAsync();
                finding = over ? null! : each.Current;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                finding = e is MantaLightException known
                    ? Finding.Problem(area, "examination", known.Message, Remedies.Of(known))
                    : Finding.Problem(area, "examination", $"unexpected: {e.GetType().Name}: {e.Message}", Remedies.Unexpected);
                over = true;
            }
            if (finding is not null)
                yield return finding;
            if (over)
                yield break;
        }
    }
}
