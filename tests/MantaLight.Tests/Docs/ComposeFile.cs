using MantaLight.Tests.Architecture;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace MantaLight.Tests.Docs;

/// <summary>docker-compose.yml, anchors and merges resolved.</summary>
internal sealed class ComposeFile
{
    private readonly Dictionary<string, object> root = new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(
        new MergingParser(new Parser(new StringReader(Repository.Read("docker-compose.yml")))));

    public IReadOnlyDictionary<string, ComposeService> Services =>
        Map(root["services"]).ToDictionary(s => s.Key, s => new ComposeService(Map(s.Value)), StringComparer.Ordinal);

    public IEnumerable<ComposeService> Nodes => Services.Where(s => s.Key.StartsWith("node_", StringComparison.Ordinal)).Select(s => s.Value);

    public IReadOnlyCollection<string> Volumes => [.. Map(root["volumes"]).Keys];

    public static Dictionary<string, object> Map(object value) =>
        ((Dictionary<object, object>)value).ToDictionary(e => (string)e.Key, e => e.Value, StringComparer.Ordinal);
}

/// <summary>A service.</summary>
internal sealed class ComposeService(Dictionary<string, object> keys)
{
    public string Image => (string)keys["image"];

    public string Restart => (string)keys["restart"];

    public IReadOnlyDictionary<string, string> Environment =>
        ComposeFile.Map(keys["environment"]).ToDictionary(e => e.Key, e => (string)e.Value, StringComparer.Ordinal);

    public IReadOnlyList<(string Source, string Target)> Mounts =>
        [.. List("volumes").Select(v => v.Split(':')).Select(v => (v[0], v[1]))];

    public IReadOnlyList<string> Ports => [.. List("ports")];

    public object? Find(params ReadOnlySpan<string> path)
    {
        object? found = keys;
        foreach (var key in path)
            found = (found as Dictionary<string, object> ?? ComposeFile.Map(found!)).GetValueOrDefault(key);
        return found;
    }

    private IEnumerable<string> List(string key) => keys.TryGetValue(key, out var list) ? ((List<object>)list).Cast<string>() : [];
}
