using System.Text.Json;
using MantaLight.Cli.Watching;
using MantaLight.Swarms;

namespace MantaLight.Cli.Comparing;

/// <summary>How often a worker goes over its data in each round.</summary>
internal static class LocalEpochs
{
    /// <summary><c>epochs</c> of the global <c>hyperparameters</c>; 1 where it says nothing.</summary>
    public static double Of(SwarmDefinition definition) =>
        definition.Globals.TryGetValue("hyperparameters", out var json) && json.ValueKind == JsonValueKind.Object && Json.Number(json, "epochs") is >= 1 and var epochs ? epochs : 1;
}
