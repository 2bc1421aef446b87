namespace MantaLight.Privacy;

/// <summary>How Rényi differential privacy becomes (ε, δ).</summary>
public enum RdpConversion
{
    /// <summary>Canonne, Kamath and Steinke 2020 (Proposition 12), also Balle et al. 2020: ε = r + ln((α-1)/α) - ln(δα)/(α-1).</summary>
    Improved,

    /// <summary>Mironov 2017 (Proposition 3): ε = r + ln(1/δ)/(α-1). Looser; for comparison with what was published before 2020.</summary>
    Classic,
}

/// <summary>Accounts by Rényi differential privacy: divergences add up over steps, and the best order decides.</summary>
public sealed class RdpAccountant
{
    private readonly RdpConversion conversion;
    private readonly double[] orders;

    /// <param name="conversion">How ε is found.</param>
    /// <exception cref="InvalidSettingException">An order is not above 1.</exception>
    /// <param name="orders">Each above 1; those of <see cref="DefaultOrders"/> where none are given.</param>
    public RdpAccountant(RdpConversion conversion = RdpConversion.Improved, IEnumerable<double>? orders = null)
    {
        this.conversion = conversion;
        this.orders = [.. orders ?? DefaultOrders];
        if (this.orders.Length == 0 || !Array.TrueForAll(this.orders, order => order is > 1 and < 1e6))
            throw new InvalidSettingException("Orders of Rényi's divergence are above 1 and below a million, and there is at least one.");
    }

    /// <summary>1.1 to 10.9 in tenths, 11 to 63, 128, 256, 512, 1024: whole orders alone are valid too, but loose where there is little noise.</summary>
    public static IReadOnlyList<double> DefaultOrders { get; } =
        [.. Enumerable.Range(11, 99).Select(tenths => tenths / 10.0), .. Enumerable.Range(11, 53).Select(whole => (double)whole), 128, 256, 512, 1024];

    /// <summary>The least ε that some steps of a mechanism are known to have.</summary>
    /// <param name="mechanism">One step.</param>
    /// <param name="steps">How many, at least 0.</param>
    /// <param name="delta">δ, above 0 and below 1.</param>
    /// <returns>ε, at least 0, and the order that it comes of.</returns>
    public (double Epsilon, double Order) Epsilon(SampledGaussian mechanism, long steps, double delta) => Epsilon([(mechanism, steps)], delta);

    /// <summary>The same of several mechanisms, each run some times.</summary>
    /// <param name="all">The mechanisms and how often.</param>
    /// <param name="delta">δ, above 0 and below 1.</param>
    public (double Epsilon, double Order) Epsilon(IReadOnlyCollection<(SampledGaussian Mechanism, long Steps)> all, double delta)
    {
        foreach (var (_, steps) in all)
            Accounting.Check(steps, delta);
        if (all.All(a => a.Steps == 0))
            return (0, orders[0]);
        var best = (Epsilon: double.PositiveInfinity, Order: orders[0]);
        foreach (var order in orders)
        {
            var epsilon = Convert(all.Sum(a => a.Steps * RenyiDivergence.Of(a.Mechanism, order)), order, delta);
            if (epsilon < best.Epsilon)
                best = (epsilon, order);
        }
        return best with { Epsilon = Math.Max(0, best.Epsilon) };
    }

    private double Convert(double divergence, double order, double delta) => conversion switch
    {
        RdpConversion.Classic => divergence - (Math.Log(delta) / (order - 1)),
        _ => divergence + LogSpace.LogOnePlus(-1 / order) - ((Math.Log(delta) + Math.Log(order)) / (order - 1)),
    };
}
