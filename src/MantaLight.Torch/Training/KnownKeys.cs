using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Tasks;

namespace MantaLight.Torch.Training;

/// <summary>Refuses the keys of a JSON object that its record does not have, with those that it has.</summary>
internal static class KnownKeys
{
    public static void RefuseOthers(object record, Dictionary<string, JsonElement>? unknown, string path)
    {
        if (unknown is null or { Count: 0 })
            return;
        var known = record.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.GetCustomAttribute<JsonIgnoreAttribute>() is null)
            .Select(p => TaskJson.Options.PropertyNamingPolicy!.ConvertName(p.Name));
        throw new JsonException($"{path}{unknown.Keys.Order(StringComparer.Ordinal).First()} is not known; known are: {string.Join(", ", known)}.");
    }
}
