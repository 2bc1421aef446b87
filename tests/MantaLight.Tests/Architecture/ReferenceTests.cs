using MantaLight.Tasks;

namespace MantaLight.Tests.Architecture;

public sealed class ReferenceTests
{
    // Which projects and packages each assembly may see: a star around the core, with the tool as composition root.
    private static readonly Dictionary<string, (string[] Projects, string[] Packages)> Allowed = new(StringComparer.Ordinal)
    {
        ["MantaLight"] = ([],
            ["BouncyCastle.Cryptography", "CsvHelper", "MathNet.Numerics", "MessagePack", "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions", "System.Numerics.Tensors", "ZstdSharp.Port"]),
        ["MantaLight.Mqtt"] = (["MantaLight"], ["MQTTnet", "Microsoft.Extensions.Options.ConfigurationExtensions"]),
        ["MantaLight.Torch"] = (["MantaLight"], ["TorchSharp"]),
        ["MantaLight.Node"] = (["MantaLight"],
            ["Microsoft.Extensions.Hosting", "OpenTelemetry.Exporter.Console", "OpenTelemetry.Exporter.OpenTelemetryProtocol", "OpenTelemetry.Extensions.Hosting", "OpenTelemetry.Instrumentation.Runtime"]),
        ["MantaLight.Broker"] = (["MantaLight"], ["MQTTnet.AspNetCore", "MQTTnet.Server"]),
        ["MantaLight.Cli"] = (["MantaLight", "MantaLight.Broker", "MantaLight.Mqtt", "MantaLight.Node", "MantaLight.Torch"],
            ["ScottPlot", "Spectre.Console", "System.CommandLine", "TorchSharp-cpu"]),
    };

    public static TheoryData<string> Projects => [.. Repository.SourceProjects];

    [Fact]
    public void Every_assembly_below_src_has_its_place_in_the_star() =>
        Assert.Equal(Allowed.Keys.Order(StringComparer.Ordinal), Repository.SourceProjects);

    [Theory]
    [MemberData(nameof(Projects))]
    public void An_assembly_refers_to_the_projects_and_packages_of_its_place_alone(string project)
    {
        var file = $"src/{project}/{project}.csproj";

        Assert.Equal(Allowed[project].Projects, Repository.References(file, "ProjectReference"));
        Assert.Equal(Allowed[project].Packages, Repository.References(file, "PackageReference"));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Only_broker_and_tool_have_the_web_framework(string project) => Assert.Equal(
        project is "MantaLight.Broker" or "MantaLight.Cli" ? ["Microsoft.AspNetCore.App"] : [],
        Repository.References($"src/{project}/{project}.csproj", "FrameworkReference"));

    [Fact]
    public void The_core_as_compiled_has_no_network_and_none_of_the_edges_libraries() => Assert.DoesNotContain(
        typeof(SwarmTask).Assembly.GetReferencedAssemblies(),
        a => a.Name!.StartsWith("System.Net", StringComparison.Ordinal)
            || a.Name.StartsWith("MQTTnet", StringComparison.Ordinal)
            || a.Name.StartsWith("TorchSharp", StringComparison.Ordinal)
            || a.Name.StartsWith("OpenTelemetry", StringComparison.Ordinal)
            || a.Name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));

    [Fact]
    public void Examples_that_are_modules_refer_to_the_core_and_torch_alone()
    {
        string[] modules = [.. Examples.Where(e => !IsProgram(e))];

        Assert.NotEmpty(modules);
        Assert.All(modules, example => Assert.Subset(
            new HashSet<string> { "MantaLight", "MantaLight.Torch" }, Repository.References(example, "ProjectReference").ToHashSet()));
    }

    [Fact]
    public void Examples_that_are_programs_need_nothing_of_the_tool()
    {
        string[] programs = [.. Examples.Where(IsProgram)];

        Assert.NotEmpty(programs);
        Assert.All(programs, example => Assert.DoesNotContain("MantaLight.Cli", Repository.References(example, "ProjectReference")));
    }

    private static IEnumerable<string> Examples =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "examples"), "*.csproj", SearchOption.AllDirectories)
            .Select(e => Path.GetRelativePath(Repository.Root, e));

    private static bool IsProgram(string project) => Repository.Read(project).Contains("<OutputType>Exe</OutputType>", StringComparison.Ordinal);

    [Fact]
    public void The_tests_of_the_core_need_neither_libtorch_nor_an_edge() =>
        Assert.Equal(["MantaLight"], Repository.References("tests/MantaLight.Tests/MantaLight.Tests.csproj", "ProjectReference"));
}
