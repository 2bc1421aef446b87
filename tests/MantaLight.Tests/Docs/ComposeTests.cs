using System.Text.RegularExpressions;
using MantaLight.Protocol;
using MantaLight.Tests.Architecture;

namespace MantaLight.Tests.Docs;

public sealed partial class ComposeTests
{
    private static readonly ComposeFile Compose = new();

    [Fact]
    public void Images_have_exact_versions()
    {
        Assert.All(Compose.Services.Values, s => Assert.Matches(@":\d+\.\d+\.\d+$", s.Image));
        Assert.Matches(@"^emqx/emqx:5\.8\.\d+$", Compose.Services["emqx"].Image);
    }

    [Fact]
    public void What_is_mounted_from_the_repository_is_there_and_what_is_prepared_lies_below_temp() => Assert.All(
        Compose.Services.Values.SelectMany(s => s.Mounts).Where(m => m.Source.StartsWith('.') && !m.Source.StartsWith("./temp/", StringComparison.Ordinal)),
        m => Assert.True(File.Exists(Path.Combine(Repository.Root, m.Source)), m.Source));

    [Fact]
    public void Named_volumes_are_declared_and_no_two_services_share_one()
    {
        string[] used = [.. Compose.Services.Values.SelectMany(s => s.Mounts).Select(m => m.Source).Where(s => !s.StartsWith('.'))];

        Assert.Equal(Compose.Volumes.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_broker_is_published_to_this_machine_alone()
    {
        Assert.Equal(["127.0.0.1:1883:1883", "127.0.0.1:8083:8083", "127.0.0.1:18083:18083"], Compose.Services["emqx"].Ports);
        Assert.All(Compose.Nodes, n => Assert.Empty(n.Ports));
    }

    [Fact]
    public void Everything_restarts_and_nodes_wait_for_a_healthy_broker()
    {
        Assert.All(Compose.Services.Values, s => Assert.Equal("unless-stopped", s.Restart));
        Assert.NotNull(Compose.Services["emqx"].Find("healthcheck", "test"));
        Assert.All(Compose.Nodes, n => Assert.Equal("service_healthy", n.Find("depends_on", "emqx", "condition")));
    }

    [Fact]
    public void Every_setting_of_a_node_is_one_that_nodes_have()
    {
        var properties = Property.Matches(Repository.ReadCode("src/MantaLight.Node/NodeOptions.cs")).Select(m => m.Groups[1].Value.ToUpperInvariant()).ToHashSet(StringComparer.Ordinal);

        Assert.Contains("ID", properties);
        Assert.All(Compose.Nodes.SelectMany(n => n.Environment.Keys), name =>
        {
            Assert.StartsWith("MANTALIGHT_", name, StringComparison.Ordinal);
            Assert.Contains(name["MANTALIGHT_".Length..].Split("__")[0], properties);
        });
    }

    [Fact]
    public void Nodes_have_ids_data_and_state_of_their_own()
    {
        Assert.Equal(2, Compose.Nodes.Count());
        Assert.All(Compose.Services.Where(s => s.Key.StartsWith("node_", StringComparison.Ordinal)), s =>
        {
            var node = s.Value;
            Assert.Equal(s.Key, node.Environment["MANTALIGHT_ID"]);
            Assert.True(Identifier.IsValid(s.Key));
            var data = node.Mounts.Single(m => node.Environment["MANTALIGHT_DATASETS__mnist"].StartsWith(m.Target + "/", StringComparison.Ordinal));
            Assert.Equal($"./temp/partitioned/mnist/{s.Key}", data.Source);
            Assert.Contains(node.Mounts, m => m.Target == node.Environment["MANTALIGHT_STATEFOLDER"]);
        });
    }

    [Fact]
    public void Nodes_find_the_broker_by_its_service() =>
        Assert.All(Compose.Nodes, n => Assert.Contains(new Uri(n.Environment["MANTALIGHT_BROKER"]).Host, Compose.Services.Keys));

    [Fact]
    public void The_image_has_the_module_that_nodes_name() => Assert.All(Compose.Nodes, n =>
    {
        var module = n.Environment["MANTALIGHT_MODULES__0"];
        Assert.Equal("/app/modules", Path.GetDirectoryName(module));
        Assert.Contains("-o /out/modules", Dockerfile, StringComparison.Ordinal);
        Assert.Single(Directory.EnumerateFiles(Path.Combine(Repository.Root, "examples"), Path.GetFileNameWithoutExtension(module) + ".csproj", SearchOption.AllDirectories));
    });

    [Fact]
    public void The_image_is_built_from_pinned_ones_and_does_not_run_as_root()
    {
        Assert.Equal(["mcr.microsoft.com/dotnet/sdk:10.0-noble", "mcr.microsoft.com/dotnet/aspnet:10.0-noble"], From.Matches(Dockerfile).Select(m => m.Groups[1].Value));
        Assert.Matches(@"(?m)^USER \$APP_UID$", Dockerfile);
    }

    [Fact]
    public void The_image_starts_the_tool()
    {
        const string project = "src/MantaLight.Cli/MantaLight.Cli.csproj";
        var assembly = Repository.References(project, "AssemblyName") is [] ? Path.GetFileNameWithoutExtension(project) : "";

        Assert.Contains($"""ENTRYPOINT ["dotnet", "/app/{assembly}.dll"]""", Dockerfile, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_the_image_copies_are_there_and_every_project_is_restored()
    {
        string[] sources = [.. Copy.Matches(Dockerfile).SelectMany(m => m.Groups[1].Value.Split(' ')[..^1])];

        Assert.All(sources, s => Assert.True(Path.Exists(Path.Combine(Repository.Root, s)), s));
        Assert.All(Repository.SourceProjects, p => Assert.Contains($"src/{p}/{p}.csproj", sources));
        // What changes how the sources compile.
        string[] settings = [".editorconfig", "global.json", "Directory.Build.props", "Directory.Packages.props"];
        Assert.All(settings, s => Assert.Contains(s, sources));
    }

    private static string Dockerfile => Repository.Read("Dockerfile");

    [GeneratedRegex(@"public [\w<>?, ]+ (\w+) \{ get;")]
    private static partial Regex Property { get; }

    [GeneratedRegex(@"^FROM (\S+)", RegexOptions.Multiline)]
    private static partial Regex From { get; }

    [GeneratedRegex(@"^COPY (?!--from)(.+)$", RegexOptions.Multiline)]
    private static partial Regex Copy { get; }
}
