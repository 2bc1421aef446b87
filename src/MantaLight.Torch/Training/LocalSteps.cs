namespace MantaLight.Torch.Training;

/// <summary>How far a round's local steps reach: ‖a‖₁ of Wang et al. 2020 ("Tackling the Objective Inconsistency Problem", section 3), by which FedNova divides.</summary>
internal static class LocalSteps
{
    /// <summary>The sum of the weights with which the gradients of all steps add up in the weights, over the learning rate, which is taken to stay.</summary>
    /// <param name="steps">τ, at least 1.</param>
    /// <param name="momentum">ρ of SGD, 0 to below 1; null for another optimizer, whose steps count one each.</param>
    /// <param name="rate">η, above 0.</param>
    /// <param name="mu">μ of the proximal term, at least 0. With a momentum it is left out of account.</param>
    public static double Normalizer(long steps, double? momentum, double rate, double mu) => momentum switch
    {
        > 0 and < 1 and var rho => (steps - (rho * (1 - Math.Pow(rho, steps)) / (1 - rho))) / (1 - rho),
        0 when mu > 0 => (1 - Math.Pow(1 - (rate * mu), steps)) / (rate * mu),
        _ => steps,
    };
}
