using System.Globalization;
using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>The names of attempts: unique over all runs of a swarm.</summary>
internal static class AttemptId
{
    public static string Of(RunId run, int round, string alias, string node, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{run}.{round}.{alias}.{node}.{number}");

    /// <summary>The attempt's number; 0 where the text is no such name.</summary>
    public static int NumberOf(string id) =>
        int.TryParse(id.AsSpan(id.LastIndexOf('.') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
}
