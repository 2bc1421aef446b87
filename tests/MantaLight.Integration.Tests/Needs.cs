namespace MantaLight.Integration.Tests;

/// <summary>What tests need beside .NET. Where it is missing they are skipped with the reason, or fail where everything must be there.</summary>
internal static class Needs
{
    private static readonly bool RequireAll = Environment.GetEnvironmentVariable("MANTALIGHT_TESTS_REQUIRE_ALL") == "1";

    public static void That(bool there, string reason)
    {
        if (there)
            return;
        if (RequireAll)
            Assert.Fail($"{reason} MANTALIGHT_TESTS_REQUIRE_ALL is set, so this is a failure.");
        Assert.Skip(reason);
    }
}
