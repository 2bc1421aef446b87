using System.Globalization;

namespace MantaLight.Simulation;

/// <summary>What there was at the end of an interval; of broker and disks the most in it.</summary>
internal sealed record SoakSample
{
    public const string Header = "   hours  rounds  terms  failures   heap kB  topics  broker kB  files  disks kB  messages      real s";

    public required TimeSpan At { get; init; }

    /// <summary>Rounds that ended in the interval.</summary>
    public required int Rounds { get; init; }

    /// <summary>Coordinators that began in it.</summary>
    public required long Terms { get; init; }

    public required int Failures { get; init; }

    /// <summary>Managed memory of the whole simulation after a full collection.</summary>
    public required long Heap { get; init; }

    public required int Topics { get; init; }

    public required long BrokerBytes { get; init; }

    /// <summary>On all disks.</summary>
    public required int Files { get; init; }

    public required long DiskBytes { get; init; }

    public required long Messages { get; init; }

    public required TimeSpan Real { get; init; }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{At.TotalHours,8:0.00} {Rounds,7} {Terms,6} {Failures,9} {Heap / 1024,9} {Topics,7} {BrokerBytes / 1024,10} {Files,6} {DiskBytes / 1024,9} {Messages,9} {Real.TotalSeconds,11:0.0}");
}
