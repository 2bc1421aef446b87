using System.Globalization;
using System.Runtime.CompilerServices;

namespace MantaLight.Cli.Doctor;

/// <summary>Whether the wall clock goes as time does, from the examination's beginning to its end.</summary>
internal sealed class ClockCheck(TimeProvider time)
{
    private const int FirstYear = 2025;

    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Jump = TimeSpan.FromMilliseconds(500);

    private readonly DateTimeOffset wallBegan = time.GetUtcNow();
    private readonly long began = time.GetTimestamp();

    public async IAsyncEnumerable<Finding> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (time.GetElapsedTime(began) < Least)
            await Task.Delay(Least, time, cancellationToken);
        var passed = time.GetElapsedTime(began);
        var now = time.GetUtcNow();
        var difference = now - wallBegan - passed;
        var text = string.Create(CultureInfo.InvariantCulture, $"{now:yyyy-MM-dd HH:mm:ss}Z; over {passed.TotalSeconds:0.0} s it moved {difference.TotalMilliseconds:+0;-0;+0} ms from the steady clock");
        if (now.Year < FirstYear)
            yield return Finding.Problem("clock", "time", text, "The date cannot be: set the clock, or certificates will be refused.");
        else if (difference.Duration() > Jump)
            yield return Finding.Warning("clock", "time", text, "Something sets the clock while it runs. Let NTP slew it instead.");
        else
            yield return Finding.Ok("clock", "time", text);
    }
}
