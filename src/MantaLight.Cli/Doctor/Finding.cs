namespace MantaLight.Cli.Doctor;

/// <summary>How good or bad a finding is.</summary>
internal enum Verdict
{
    Ok,
    Warning,
    Problem,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Area">What it belongs to: <c>broker</c>, <c>disk</c>, …</param>
/// <param name="Check">What was looked at, in a word or two.</param>
/// <param name="Verdict">How it is.</param>
/// <param name="Found">What was found or measured.</param>
/// <param name="Remedy">What to do about it; null where it is ok.</param>
internal sealed record Finding(string Area, string Check, Verdict Verdict, string Found, string? Remedy = null)
{
    public static Finding Ok(string area, string check, string found) => new(area, check, Verdict.Ok, found);

    public static Finding Warning(string area, string check, string found, string remedy) => new(area, check, Verdict.Warning, found, remedy);

    public static Finding Problem(string area, string check, string found, string remedy) => new(area, check, Verdict.Problem, found, remedy);
}
