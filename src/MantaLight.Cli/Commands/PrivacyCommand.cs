using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using MantaLight.Privacy;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight privacy</c>: what differential privacy some noise buys, and what noise some privacy costs.</summary>
internal static class PrivacyCommand
{
    private const string Rdp = "rdp", Pld = "pld", Improved = "improved", Classic = "classic", Poisson = "poisson", Fixed = "fixed";

    /// <summary>The command.</summary>
    public static Command Create(CliConsole console) => new("privacy", "Account for differential privacy.") { Epsilon(console), Calibrate(console) };

    private static Command Epsilon(CliConsole console)
    {
        var options = new Flags();
        var noise = new Option<double>("--noise") { Description = "The noise multiplier: the noise's standard deviation in units of the clipping norm.", HelpName = "Z", Required = true };
        var command = new Command("epsilon", "Say which ε some steps of the subsampled Gaussian mechanism have.") { noise };
        options.AddTo(command);
        command.WithExamples(
            "mantalight privacy epsilon --sampling 0.01 --noise 1.1 --steps 1000 --delta 1e-5",
            "mantalight privacy epsilon --sampling 0.01 --noise 1.1 --steps 1000 --delta 1e-5 --accountant pld --json",
            "mantalight privacy epsilon --sampling 0.1 --sampling-scheme fixed --noise 4 --steps 100 --delta 1e-5");
        command.SetAction(parsed =>
        {
            var settings = options.Of(parsed);
            var (epsilon, order) = settings.Epsilon(new SampledGaussian(settings.Sampling, parsed.GetValue(noise), settings.Scheme));
            var told = settings.Json(parsed.GetValue(noise));
            told["epsilon"] = Finite(epsilon);
            if (order is { } best)
                told["order"] = best;
            console.Out.WriteLine(settings.IsJson ? told.ToJsonString() : string.Create(
                CultureInfo.InvariantCulture, $"ε = {epsilon:G8} at δ = {settings.Delta:G} ({settings.Name}{(order is { } o ? $", order {o:G}" : "")})"));
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Calibrate(CliConsole console)
    {
        var options = new Flags();
        var budget = new Option<double>("--epsilon") { Description = "The most ε.", HelpName = "E", Required = true };
        var command = new Command("calibrate", "Say how much noise keeps some steps within an ε.") { budget };
        options.AddTo(command);
        command.WithExamples("mantalight privacy calibrate --sampling 0.01 --epsilon 2 --steps 1000 --delta 1e-5");
        command.SetAction(parsed =>
        {
            var settings = options.Of(parsed);
            var noise = Accounting.Calibrate(settings.Sampling, settings.Steps, settings.Delta, parsed.GetValue(budget), (mechanism, _, _) => settings.Epsilon(mechanism).Epsilon, settings.Scheme);
            var told = settings.Json(noise);
            told["epsilon"] = Finite(settings.Epsilon(new SampledGaussian(settings.Sampling, noise, settings.Scheme)).Epsilon);
            console.Out.WriteLine(settings.IsJson ? told.ToJsonString() : string.Create(
                CultureInfo.InvariantCulture, $"noise multiplier {noise:G8} keeps {settings.Steps:N0} steps within ε = {parsed.GetValue(budget):G} at δ = {settings.Delta:G} ({settings.Name})"));
            return ExitCodes.Success;
        });
        return command;
    }

    // JSON has no infinity.
    private static JsonValue? Finite(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    /// <summary>What both verbs are told.</summary>
    private sealed class Flags
    {
        private readonly Option<double> sampling = new("--sampling") { Description = "The probability with which each takes part in a step; 1 where all do.", HelpName = "Q", Required = true };
        private readonly Option<long> steps = new("--steps") { Description = "How many steps (rounds, or batches).", HelpName = "N", Required = true };
        private readonly Option<double> delta = new("--delta") { Description = "δ, well below one over the number of participants.", HelpName = "D", Required = true };
        private readonly Option<string> accountant = new("--accountant") { Description = "rdp: by Rényi differential privacy. pld: by the distribution of the privacy loss, tighter.", HelpName = $"{Rdp}|{Pld}", DefaultValueFactory = _ => Rdp };
        private readonly Option<string> conversion = new("--conversion") { Description = "How rdp becomes ε; classic is looser, and what was usual before 2020.", HelpName = $"{Improved}|{Classic}", DefaultValueFactory = _ => Improved };
        private readonly Option<string> scheme = new("--sampling-scheme")
        {
            Description = "poisson: each takes part with that probability, and neighbours differ by one who is there or not. fixed: that share of all, drawn without replacement, and neighbours differ by one who is another.",
            HelpName = $"{Poisson}|{Fixed}", DefaultValueFactory = _ => Poisson,
        };

        private readonly Option<bool> json = new("--json") { Description = "Writes a JSON object." };

        public void AddTo(Command command)
        {
            accountant.AcceptOnlyFromAmong(Rdp, Pld);
            conversion.AcceptOnlyFromAmong(Improved, Classic);
            scheme.AcceptOnlyFromAmong(Poisson, Fixed);
            foreach (var option in new Option[] { sampling, scheme, steps, delta, accountant, conversion, json })
                command.Options.Add(option);
        }

        public Settings Of(ParseResult parsed) => new(
            parsed.GetValue(sampling), parsed.GetValue(steps), parsed.GetValue(delta), parsed.GetValue(accountant) == Pld,
            parsed.GetValue(conversion) == Classic ? RdpConversion.Classic : RdpConversion.Improved,
            parsed.GetValue(scheme) == Fixed ? SamplingScheme.Fixed : SamplingScheme.Poisson, parsed.GetValue(json));
    }

    private sealed record Settings(double Sampling, long Steps, double Delta, bool IsPld, RdpConversion Conversion, SamplingScheme Scheme, bool IsJson)
    {
        public string Name => IsPld ? Pld : $"{Rdp}, {ConversionName}";

        private string ConversionName => Conversion == RdpConversion.Classic ? Classic : Improved;

        public (double Epsilon, double? Order) Epsilon(SampledGaussian mechanism)
        {
            if (IsPld)
                return (PldAccountant.Epsilon(mechanism, Steps, Delta), null);
            var (epsilon, order) = new RdpAccountant(Conversion).Epsilon(mechanism, Steps, Delta);
            return (epsilon, order);
        }

        public JsonObject Json(double noise)
        {
            var told = new JsonObject { ["accountant"] = IsPld ? Pld : Rdp, ["sampling"] = Sampling, ["sampling_scheme"] = Scheme == SamplingScheme.Fixed ? Fixed : Poisson, ["noise"] = noise, ["steps"] = Steps, ["delta"] = Delta };
            if (!IsPld)
                told["conversion"] = ConversionName;
            return told;
        }
    }
}
