namespace MantaLight.SecureAggregation;

/// <summary>
/// Shamir's secret sharing (Shamir 1979, "How to Share a Secret") over the field of <see cref="Residue"/>: the value at 0 of a random polynomial of degree t - 1; any t of its other values
/// give it back, and fewer say nothing of it.
/// </summary>
internal static class Shamir
{
    /// <summary>Shares a secret.</summary>
    /// <param name="secret">The secret.</param>
    /// <param name="threshold">t, at least 1.</param>
    /// <param name="points">Where the polynomial is evaluated: different numbers from 1.</param>
    /// <param name="source">Of the coefficients.</param>
    /// <returns>A share for each point.</returns>
    public static Residue[] Split(Residue secret, int threshold, ReadOnlySpan<int> points, SecretSource source)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threshold, 1);
        var coefficients = new Residue[threshold];
        coefficients[0] = secret;
        for (var i = 1; i < threshold; i++)
            coefficients[i] = Residue.Draw(source);
        var shares = new Residue[points.Length];
        for (var i = 0; i < points.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(points[i], 1);
            var value = coefficients[^1];
            for (var k = threshold - 2; k >= 0; k--)
                value = (value * (ulong)points[i]) + coefficients[k];
            shares[i] = value;
        }
        Array.Clear(coefficients);
        return shares;
    }

    /// <summary>By what each share counts in the secret: Lagrange's polynomials at 0.</summary>
    /// <param name="points">Different numbers from 1, as many as the threshold.</param>
    public static Residue[] WeightsOf(ReadOnlySpan<int> points)
    {
        var below = new Residue[points.Length];
        var above = new Residue[points.Length];
        for (var i = 0; i < points.Length; i++)
        {
            (above[i], below[i]) = (Residue.Of(1), Residue.Of(1));
            var isNegative = false;
            for (var k = 0; k < points.Length; k++)
            {
                if (k == i)
                    continue;
                above[i] *= (ulong)points[k];
                below[i] *= (ulong)Math.Abs(points[k] - points[i]);
                isNegative ^= points[k] < points[i];
            }
            if (isNegative)
                above[i] = -above[i];
        }
        Invert(below);
        for (var i = 0; i < above.Length; i++)
            above[i] *= below[i];
        return above;
    }

    /// <summary>The secret.</summary>
    /// <param name="weights">Of the points, see <see cref="WeightsOf"/>.</param>
    /// <param name="shares">At the points.</param>
    public static Residue Recover(ReadOnlySpan<Residue> weights, ReadOnlySpan<Residue> shares)
    {
        var secret = default(Residue);
        for (var i = 0; i < weights.Length; i++)
            secret += weights[i] * shares[i];
        return secret;
    }

    /// <summary>All inverses by one (Montgomery 1987).</summary>
    private static void Invert(Span<Residue> values)
    {
        var products = new Residue[values.Length];
        var product = Residue.Of(1);
        for (var i = 0; i < values.Length; i++)
        {
            products[i] = product;
            product *= values[i];
        }
        var inverse = product.Inverse();
        for (var i = values.Length - 1; i >= 0; i--)
            (values[i], inverse) = (inverse * products[i], inverse * values[i]);
    }
}
