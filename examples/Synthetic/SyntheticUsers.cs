using System.Text.Json.Serialization;
using MantaLight.Tasks;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Random;

namespace MantaLight.Examples.Synthetic;

/// <summary>What synthetic(α, β) is made by.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record SyntheticOptions
{
    /// <summary>How much the users' models differ: the standard deviation of the means u_k of their weights; at least 0.</summary>
    /// <value>1.</value>
    public double Alpha { get; init; } = 1;

    /// <summary>How much their samples differ: the standard deviation of the means B_k of their centres; at least 0.</summary>
    /// <value>1.</value>
    public double Beta { get; init; } = 1;

    /// <summary>One model and one centre, zero, for all users; α and β are not looked at then.</summary>
    /// <value>False.</value>
    public bool Iid { get; init; }
}

/// <summary>One user's samples, row by row, and their classes.</summary>
public sealed record SyntheticUser(float[] Samples, long[] Labels)
{
    /// <summary>How many samples there are.</summary>
    public int Count => Labels.Length;
}

/// <summary>
/// synthetic(α, β) of Li et al. 2020 ("Federated Optimization in Heterogeneous Networks", section 5.1, and its code): user k has its own model y = argmax(W_k x + b_k) with W_k and b_k ~ N(u_k, 1),
/// u_k ~ N(0, α), and its own centre v_k ~ N(B_k, 1), B_k ~ N(0, β), around which x ~ N(v_k, Σ), Σ diagonal with j^-1.2. α and β are standard deviations, as they are in the code.
/// </summary>
public static class SyntheticUsers
{
    /// <summary>Numbers of a sample.</summary>
    public const int Inputs = 60;

    /// <summary>Classes.</summary>
    public const int Classes = 10;

    /// <summary>Makes the users.</summary>
    /// <param name="count">How many, at least 1; the paper has 30.</param>
    /// <param name="options">α, β, or IID.</param>
    /// <param name="seed">Where everything comes from; the first users are the same whatever the count.</param>
    /// <exception cref="TaskContractException">An option is not possible.</exception>
    public static IEnumerable<SyntheticUser> Make(int count, SyntheticOptions options, ulong seed)
    {
        if (!(options.Alpha >= 0 && options.Beta >= 0 && double.IsFinite(options.Alpha) && double.IsFinite(options.Beta)))
            throw new TaskContractException($"alpha {options.Alpha} and beta {options.Beta} are standard deviations: finite numbers of at least 0 are possible.");
        var common = Generator(seed, 0);
        var shared = options.Iid ? Model(common, 0) : null;
        return Enumerable.Range(0, count).Select(k => User(Generator(seed, (ulong)k + 1), options, shared));
    }

    private static SyntheticUser User(RandomSource random, SyntheticOptions options, double[]? shared)
    {
        // As in the paper's code: some users have hundreds of times as many as others.
        var count = (int)Math.Min(Math.Exp(Normal.Sample(random, 4, 2)), 100_000) + 50;
        var model = shared ?? Model(random, Normal.Sample(random, 0, options.Alpha));
        var centre = new double[Inputs];
        if (!options.Iid)
            Normal.Samples(random, centre, Normal.Sample(random, 0, options.Beta), 1);
        var (samples, labels) = (new float[count * Inputs], new long[count]);
        var scores = new double[Classes];
        for (var i = 0; i < count; i++)
        {
            model.AsSpan(Inputs * Classes).CopyTo(scores);
            for (var j = 0; j < Inputs; j++)
            {
                var x = Normal.Sample(random, centre[j], Math.Pow(j + 1, -0.6));
                samples[(i * Inputs) + j] = (float)x;
                for (var c = 0; c < Classes; c++)
                    scores[c] += x * model[(j * Classes) + c];
            }
            labels[i] = Array.IndexOf(scores, scores.Max());
        }
        return new SyntheticUser(samples, labels);
    }

    // W, input by input, and b behind it.
    private static double[] Model(RandomSource random, double mean)
    {
        var model = new double[(Inputs + 1) * Classes];
        Normal.Samples(random, model, mean, 1);
        return model;
    }

    private static MersenneTwister Generator(ulong seed, ulong user)
    {
        var z = (seed * 0x9E3779B97F4A7C15) + (user * 0xD1342543DE82EF95);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return new MersenneTwister((int)(z >> 32), threadSafe: false);
    }
}
