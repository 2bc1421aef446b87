using MantaLight.Aggregation.Plans;

namespace MantaLight.Aggregation.Optimizers;

/// <summary>The server's optimizers by name.</summary>
internal static class OptimizerParts
{
    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["momentum", "adagrad", "adam", "yogi"];

    /// <summary>The optimizer of a part; null where it is none.</summary>
    /// <exception cref="InvalidSettingException">An option is not possible.</exception>
    public static IServerOptimizer? Read(PartText part) => part.Name switch
    {
        "momentum" or "fed_avg_m" => new ServerMomentum(Rate(part) ?? 1, Beta(part, "beta") ?? 0.9, IsTrue(part, "nesterov")),
        "adagrad" or "fed_adagrad" => Adaptive(part, SecondMoment.Adagrad, beta1: 0),
        "adam" or "fed_adam" => Adaptive(part, SecondMoment.Adam, beta1: 0.9),
        "yogi" or "fed_yogi" => Adaptive(part, SecondMoment.Yogi, beta1: 0.9),
        _ => null,
    };

    private static AdaptiveStep Adaptive(PartText part, SecondMoment kind, double beta1)
    {
        // Asked for in this order, which is what a mistake is answered with.
        var (rate, first) = (Rate(part) ?? 0.1, Beta(part, "beta1") ?? beta1);
        var second = kind == SecondMoment.Adagrad ? 0 : Beta(part, "beta2") ?? 0.99;
        var tau = part.Number("tau", n => n > 0, "a number above 0") ?? 1e-3;
        return new AdaptiveStep
        {
            Kind = kind, Rate = rate, Beta1 = first, Beta2 = second, Tau = tau,
            Initial = part.Number("v0", n => n >= 0, "a number of at least 0") ?? tau * tau,
            IsCorrected = kind != SecondMoment.Adagrad && IsTrue(part, "bias_correction"),
        };
    }

    private static double? Rate(PartText part) => part.Number("lr", n => n > 0, "a number above 0", isPositional: true);

    private static double? Beta(PartText part, string key) => part.Number(key, n => n is >= 0 and < 1, "a number of 0 to below 1");

    private static bool IsTrue(PartText part, string key) => part.Word(key, "false", "true") == "true";
}
