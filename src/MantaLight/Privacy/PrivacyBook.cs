namespace MantaLight.Privacy;

/// <summary>
/// A node's own book of what it has spent of the privacy of its data in a swarm. It is written before the noise is used, whatever becomes of the round: what may have been seen counts. It outlives the process, and the run.
/// </summary>
public abstract class PrivacyBook
{
    private protected PrivacyBook()
    {
    }

    /// <summary>Rounds of the run that may have spent something before the book was begun, as where a run goes on from a checkpoint in another place; whoever finds a ledger empty counts them.</summary>
    /// <value>0.</value>
    public int RoundsBefore { get; internal init; }

    /// <summary>A book that ends with the process.</summary>
    public static PrivacyBook InMemory(int roundsBefore = 0) => new Memory { RoundsBefore = roundsBefore };

    /// <summary>Reads a ledger and, where it has become another one, writes it, before anything else is written in the book.</summary>
    /// <param name="what">Whose privacy, such as a data set.</param>
    /// <param name="spend">The ledger after; the same where nothing is spent.</param>
    /// <returns>The ledger after.</returns>
    /// <exception cref="DatasetException">The book cannot be read, so that nobody knows what was spent.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public abstract PrivacyLedger Spend(string what, Func<PrivacyLedger, PrivacyLedger> spend);

    private sealed class Memory : PrivacyBook
    {
        private readonly Lock gate = new();
        private readonly Dictionary<string, PrivacyLedger> ledgers = new(StringComparer.Ordinal);

        public override PrivacyLedger Spend(string what, Func<PrivacyLedger, PrivacyLedger> spend)
        {
            lock (gate)
                return ledgers[what] = spend(ledgers.GetValueOrDefault(what, PrivacyLedger.Empty));
        }
    }
}
