namespace MantaLight.SecureAggregation;

/// <summary>Options of a task that can combine contributions of which it sees the sum alone.</summary>
internal interface ISecureCombination
{
    /// <summary>Why it cannot with these options; null where it can.</summary>
    string? Misfit(SecureOptions secure);
}
