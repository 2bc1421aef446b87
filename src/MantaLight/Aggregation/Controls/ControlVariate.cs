using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Aggregation.Controls;

/// <summary>
/// A worker's part in SCAFFOLD (Karimireddy et al. 2020, "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning", Algorithm 1): it steps against g(y) - c_i + c, keeps c_i⁺, and sends the
/// difference. c_i stays on the node; it counts when the contribution did. <c>TorchWorker</c> does all of it; this is for workers without torch.
/// </summary>
/// <remarks>
/// A node that has not taken part has c_i = 0. One whose c_i the server has taken in and that has lost it, with its disk or since the run goes on from a checkpoint, trains once without a correction and says so;
/// the server then begins with c = 0 anew, since what is missing would bend all later rounds.
/// </remarks>
public sealed class ControlVariate : IDisposable
{
    private readonly World world;
    private readonly Local local;
    private readonly AttemptContext context;
    private readonly (string Contributions, string Global) tags;
    private readonly ControlStanding standing;

    private ControlVariate(World world, Local local, AttemptContext context, (string Contributions, string Global) tags, ControlStanding standing, NamedArrays? global, NamedArrays? own) =>
        (this.world, this.local, this.context, this.tags, this.standing, Global, Own) = (world, local, context, tags, standing, global, own);

    /// <summary>c; null for zero.</summary>
    public NamedArrays? Global { get; }

    /// <summary>c_i; null for zero.</summary>
    public NamedArrays? Own { get; }

    /// <summary>Reads c and c_i.</summary>
    /// <param name="world">The task's.</param>
    /// <param name="local">The task's.</param>
    /// <param name="context">The task's.</param>
    /// <param name="contributions">The tag of the result that the model will be.</param>
    /// <param name="global">The tag of the global model.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<ControlVariate> BeginAsync(World world, Local local, AttemptContext context, string contributions, string global, CancellationToken cancellationToken)
    {
        var tags = (contributions, global);
        if (!world.Globals.Contains(ControlTags.Ledger(global)))
            return new ControlVariate(world, local, context, tags, new ControlStanding(1, context.Round, Lost: false), null, null);
        var ledger = await world.Globals.GetAsync<ControlLedger>(ControlTags.Ledger(global), cancellationToken);
        var isKnown = ledger.Rounds.TryGetValue(context.Node, out var round);
        NamedArrays? own = null;
        if (isKnown && await local.State.GetAsync<ControlStanding>(ControlTags.Ledger(global), cancellationToken) is { } kept && kept.Begun == ledger.Begun && kept.Round == round)
            own = await local.State.GetWeightsAsync(ControlTags.Variate(global), cancellationToken);
        var isLost = isKnown && own is null;
        var c = isLost ? null : await world.Globals.GetWeightsAsync(ControlTags.Variate(global), cancellationToken);
        return new ControlVariate(world, local, context, tags, new ControlStanding(ledger.Begun, context.Round, isLost), c, own);
    }

    /// <summary>Keeps c_i⁺ on this node, and adds what it differs by to the results.</summary>
    /// <param name="own">c_i⁺: float32, an array for each of the global model's that has floats.</param>
    /// <param name="difference">c_i⁺ - c_i, likewise.</param>
    /// <param name="samples">As with the model.</param>
    public void End(NamedArrays own, NamedArrays difference, long samples)
    {
        local.State.SetWeights(ControlTags.Variate(tags.Global), own);
        local.State.Set(ControlTags.Ledger(tags.Global), standing);
        world.Results.Add(ControlTags.Standing(tags.Contributions), standing);
        world.Results.Add(ControlTags.Difference(tags.Contributions), difference, samples);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Global?.Dispose();
        Own?.Dispose();
    }
}
