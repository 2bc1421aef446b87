using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using MantaLight.Diagnostics;

namespace MantaLight.Tests.Diagnostics;

/// <summary>What is counted as dropped by whatever a test has started: others run beside it.</summary>
internal sealed class DropCounts : IDisposable
{
    private static readonly AsyncLocal<DropCounts?> OfTest = new();

    private readonly ConcurrentDictionary<string, long> counts = new(StringComparer.Ordinal);
    private readonly MeterListener listener = new();

    public DropCounts()
    {
        OfTest.Value = this;
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == Telemetry.Name && instrument.Name == "mantalight.messages.dropped")
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            if (OfTest.Value == this)
                counts.AddOrUpdate((string)tags[0].Value!, value, (_, before) => before + value);
        });
        listener.Start();
    }

    public long Of(string reason) => counts.GetValueOrDefault(reason);

    public void Dispose() => listener.Dispose();
}
