using System.Collections.Immutable;
using MantaLight.Blobs;
using MantaLight.Concurrency;
using MantaLight.Diagnostics;

namespace MantaLight.Nodes;

/// <summary>The committed globals that are not known to stand on the broker, and whoever waits until they do. For one that writes and one that waits.</summary>
internal sealed class OpenRepairs(TimeProvider time)
{
    // How often whoever waits looks whether it should say that it lives, or is in a hurry.
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    // Whether each has been looked for in vain.
    private ImmutableDictionary<string, bool> open = ImmutableDictionary.Create<string, bool>(StringComparer.Ordinal);
    private volatile TaskCompletionSource? changed;

    /// <summary>Notes one that is to be looked at.</summary>
    public void Open(string hash) => Change(o => o.SetItem(hash, false));

    /// <summary>Whether one is open.</summary>
    public bool Contains(string hash) => Volatile.Read(ref open).ContainsKey(hash);

    /// <summary>Notes one that neither the broker nor anybody who is there has.</summary>
    public void Missed(string hash) => Change(o => o.ContainsKey(hash) ? o.SetItem(hash, true) : o);

    /// <summary>Notes one that stands on the broker, or is not looked after any more.</summary>
    public void Close(string hash) => Change(o => o.Remove(hash));

    /// <summary>Leaves only those that are to be waited for.</summary>
    public void CloseAllBut(IReadOnlySet<string> hashes) => Change(o => o.RemoveRange(o.Keys.Where(hash => !hashes.Contains(hash))));

    /// <summary>Waits until none is open.</summary>
    /// <param name="patience">For how long at most.</param>
    /// <param name="waitsForMissing">Whether those that nobody has are waited for.</param>
    /// <param name="sign">Given meanwhile.</param>
    /// <param name="isInHurry">Whether there is no time to wait.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    public async Task WaitAsync(TimeSpan patience, bool waitsForMissing, SignOfLife sign, Func<bool> isInHurry, CancellationToken cancellationToken)
    {
        var until = time.SteadyNow() + patience;
        while (!isInHurry() && time.SteadyNow() < until)
        {
            // Whoever waits goes on within the repair, until its next wait: what is queued elsewhere would leave the scheduler.
            var change = new TaskCompletionSource();
            changed = change;
            if (!Volatile.Read(ref open).Any(o => waitsForMissing || !o.Value))
                return;
            await sign.GiveAsync();
            await change.Task.EndsWithinAsync(Look, time);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private void Change(Func<ImmutableDictionary<string, bool>, ImmutableDictionary<string, bool>> change)
    {
        if (ImmutableInterlocked.Update(ref open, change))
            changed?.TrySetResult();
    }
}
