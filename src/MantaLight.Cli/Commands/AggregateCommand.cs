using System.CommandLine;
using System.Globalization;
using MantaLight.Aggregation;
using MantaLight.Aggregation.Plans;
using MantaLight.Cli.Models;
using MantaLight.Weights;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight aggregate</c>: the rules of a swarm's aggregator over files.</summary>
internal static class AggregateCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var files = new Argument<string[]>("files") { Description = $"Models of one layout ({ModelFiles.Allowed}), in the order that ties are broken by.", Arity = ArgumentArity.OneOrMore };
        var rule = new Option<string[]>("--rule") { Description = $"How they are combined: {AggregationPlan.Known}. Say it again for a part before it, such as \"clip 1.0\".", HelpName = "RULE", DefaultValueFactory = _ => ["mean"] };
        var weights = new Option<string?>("--weights") { Description = "How much each file weighs in a weighted mean, with commas between: whole numbers, such as samples [default: all the same]", HelpName = "N,N,…" };
        var reference = new Option<string?>("--reference") { Description = "The model before, which clip and centered_clip start from.", HelpName = "FILE" };
        var output = new Option<string>("--out", "-o") { Description = "Where the result goes.", HelpName = "FILE", Required = true };
        var command = new Command("aggregate", "Combine models in files by one of the aggregation rules.") { files, rule, weights, reference, output }.WithExamples(
            "mantalight aggregate a.npz b.npz c.npz -o mean.npz",
            "mantalight aggregate --rule \"trimmed_mean 0.2\" node_*.safetensors -o robust.safetensors",
            "mantalight aggregate --rule \"krum f=2\" node_*.npz -o out.npz",
            "mantalight aggregate --rule \"clip 1.0\" --rule mean --reference global.npz --weights 100,200 a.npz b.npz -o out.npz");
        command.SetAction((parsed, cancellationToken) => RunAsync(
            console, parsed.GetValue(files)!, AggregationPlan.Parse(parsed.GetValue(rule)!), parsed.GetValue(weights), parsed.GetValue(reference), parsed.GetValue(output)!, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        CliConsole console, string[] files, AggregationPlan plan, string? weights, string? reference, string output, CancellationToken cancellationToken)
    {
        ModelFiles.Check(output);
        var samples = Weights(weights, files.Length);
        var models = new List<NamedArrays>();
        try
        {
            foreach (var file in files)
                models.Add(await ModelFiles.ReadAsync(file, cancellationToken));
            using var before = reference is null ? null : await ModelFiles.ReadAsync(reference, cancellationToken);
            var (result, left) = FileAggregation.Combine(plan, [.. files.Zip(models)], samples, before, cancellationToken);
            using (result)
                await ModelFiles.WriteAsync(output, result, cancellationToken);
            foreach (var (file, reason) in left)
                console.Out.WriteLine($"Left out: {file}: {reason}");
            console.Out.WriteLine($"Wrote {output}: {string.Join(", ", plan.Parts)} of {files.Length - left.Count} of {files.Length} {(files.Length == 1 ? "model" : "models")}");
            return ExitCodes.Success;
        }
        finally
        {
            models.ForEach(m => m.Dispose());
        }
    }

    private static long[] Weights(string? text, int count)
    {
        if (text is null)
            return [.. Enumerable.Repeat(1L, count)];
        var parts = text.Split(',');
        if (parts.Length != count)
            throw new InvalidSettingException($"--weights has {parts.Length} numbers for {count} files; expected one for each.");
        return Array.ConvertAll(parts, part => long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var weight) && weight >= 1
            ? weight
            : throw new InvalidSettingException($"--weights '{part}' is not possible; each is a whole number, 1 or more."));
    }
}
