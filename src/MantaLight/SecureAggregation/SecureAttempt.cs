using System.Security.Cryptography;
using MantaLight.Tasks;

namespace MantaLight.SecureAggregation;

/// <summary>What an attempt of a swarm with secure aggregation has beside its world: the round, and its node's secrets.</summary>
/// <param name="Round">The round.</param>
/// <param name="Node">The node.</param>
/// <param name="Alias">The task.</param>
/// <param name="Vault">The node's secrets.</param>
internal sealed record SecureAttempt(SecureRound Round, string Node, string Alias, SecretVault Vault)
{
    /// <summary>Key agreement and signatures.</summary>
    public Agreement Agreement { get; init; } = new();

    /// <summary>Whether it is the task whose weights leave masked.</summary>
    public bool IsWorker => Alias == Round.Options.Worker;

    /// <summary>This node's side.</summary>
    /// <param name="firstSeen">Told of a node whose identity was seen for the first time.</param>
    public Participant Participant(Action<string>? firstSeen = null) => new(Round, Node, Vault, Agreement, RandomNumberGenerator.Fill, firstSeen);

    /// <summary>
    /// What a task adds goes through here before it is staged. Of the worker, what others have shared is taken first, so that a node that has no part in the round does not train for nothing.
    /// </summary>
    /// <param name="store">Where it is staged.</param>
    /// <param name="seed">The attempt's.</param>
    /// <param name="cancellationToken">Ends the wait for what others have shared.</param>
    /// <exception cref="TaskContractException">The node takes no part in the round, or there is no global to differ from.</exception>
    public async Task<SecureStore> OpenAsync(AttemptStore store, ulong seed, CancellationToken cancellationToken)
    {
        if (!IsWorker)
            return new SecureStore(store, this, null, null, seed);
        var participant = Participant();
        var told = store.SelectResults(SecureTags.Shares).DistinctBy(r => r.Node).ToDictionary(r => r.Node, r => (Func<Task<byte[]?>>)(() => SecureHearing.ReadAsync(r, cancellationToken)), StringComparer.Ordinal);
        await participant.ReceiveAsync(told);
        var global = Round.Options.Global;
        if (!store.GlobalTags.Contains(global))
            throw new TaskContractException($"Secure aggregation sums differences from the global '{global}', and there is none. Set it in the definition's setup task.");
        return new SecureStore(store, this, participant, await store.ReadGlobalWeightsAsync(global, cancellationToken), seed);
    }
}

/// <summary>Bytes of the protocol as a JSON result.</summary>
/// <param name="Bytes">Base64.</param>
internal sealed record SecureText(string Bytes);

/// <summary>Whose contributions are in the sum.</summary>
/// <param name="Nodes">Their ids.</param>
internal sealed record SecureSurvivors(string[] Nodes);

/// <summary>The tags of the results of the stages.</summary>
internal static class SecureTags
{
    public const string Keys = "secure_keys";
    public const string Shares = "secure_shares";
    public const string Sum = "secure_sum";
    public const string Survivors = "secure_survivors";
    public const string Consent = "secure_consent";
    public const string Revealed = "secure_revealed";

    // Sixteen thousand holders and their boxes.
    private const int Most = 2 << 20;

    /// <summary>The bytes; null where it is no base64.</summary>
    public static byte[]? Bytes(SecureText text)
    {
        if (text.Bytes is not { Length: <= Most } bytes)
            return null;
        try
        {
            return Convert.FromBase64String(bytes);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
