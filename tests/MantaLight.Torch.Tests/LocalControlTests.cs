using System.Text.Json;
using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;
using MantaLight.Torch.Training;
using MantaLight.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Tests;

/// <summary>Control variates in local training.</summary>
public sealed class LocalControlTests(TinyData data) : IClassFixture<TinyData>
{
    private const double Rate = 0.1;
    private const int Steps = 5;

    // Batches of all samples, so that the order shows in rounding alone.
    private const string FullBatches = """{ "control_variates": "scaffold", "control_option": OPTION, "epochs": 5, "batch_size": 200, "optimizer_params": { "lr": 0.1 } }""";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_worker_steps_against_the_corrected_gradient_and_sends_what_its_variate_differs_by(int option)
    {
        using var scope = NewDisposeScope();
        using var model = new TinyModel();
        using var first = model.ToWeights();
        using var global = Variate(first, 1);
        using var own = Variate(first, 2);
        var attempt = Attempt(FullBatches.Replace("OPTION", $"{option}", StringComparison.Ordinal), first, round: 3).With("global_model_params_control", global)
            .With("global_model_params_controls", """{ "begun": 2, "rounds": { "node_0": 1, "node_1": 2 } }""");
        attempt.Before["global_model_params_control"] = own;
        attempt.Before["global_model_params_controls"] = Json("""{ "begun": 2, "round": 1, "lost": false }""");
        using var worked = new TinyModel();
        await attempt.RunAsync(new TinyWorker(worked));

        // What is trained by hand shows in the first weights, which are views.
        var start = first.Select(Values).ToArray();
        var (expected, gradients) = ByHand(model, global, own);
        for (var i = 0; i < start.Length; i++)
        {
            Near(expected[i], Values(attempt.ResultWeights["model_params"].Weights[i]));
            var (c, before) = (Values(global[i]), Values(own[i]));
            // Option II: c_i - c + (x - y) / (K η).
            var next = option == 1 ? gradients[i] : before.Select((v, k) => (float)(v - c[k] + ((start[i][k] - expected[i][k]) / (Steps * Rate)))).ToArray();
            Near(next, Values(attempt.Kept["global_model_params_control"][i]));
            Near([.. next.Select((v, k) => v - before[k])], Values(attempt.ResultWeights["model_params_control"].Weights[i]));
        }
        Assert.Equal("""{"begun":2,"round":3,"lost":false}""", attempt.Results["model_params_controls"].GetRawText());
        Assert.Equal("""{"begun":2,"round":3,"lost":false}""", System.Text.Encoding.UTF8.GetString(attempt.Kept["global_model_params_controls"][0].Data.Span));
    }

    [Theory]
    // Kept in another round than the server has taken in: it has lost what counted.
    [InlineData("""{ "node_0": 2 }""", true)]
    // Kept, and never taken in: its contribution was refused, say.
    [InlineData("{}", false)]
    public async Task What_the_server_has_not_taken_in_is_not_gone_on_from(string rounds, bool isLost)
    {
        using var model = new TinyModel();
        using var first = model.ToWeights();
        using var zero = Variate(first, 0);
        using var own = Variate(first, 2);
        var attempt = Attempt(FullBatches.Replace("OPTION", "2", StringComparison.Ordinal), first, round: 3).With("global_model_params_control", zero)
            .With("global_model_params_controls", $$"""{ "begun": 1, "rounds": {{rounds}} }""");
        attempt.Before["global_model_params_control"] = own;
        attempt.Before["global_model_params_controls"] = Json("""{ "begun": 1, "round": 1, "lost": false }""");
        using var worked = new TinyModel();
        await attempt.RunAsync(new TinyWorker(worked));
        Assert.Equal(isLost, attempt.Results["model_params_controls"].GetProperty("lost").GetBoolean());
        // As if it had never taken part: plain steps.
        var plain = await Attempt("""{ "epochs": 5, "batch_size": 200, "optimizer_params": { "lr": 0.1 } }""", first, round: 3).RunAsync(new TinyWorker(model));
        Assert.Equal(plain.ResultWeights["model_params"].Weights.SelectMany(a => a.Data.ToArray()), attempt.ResultWeights["model_params"].Weights.SelectMany(a => a.Data.ToArray()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.9)]
    public void Whatever_the_rates_and_the_momentum_a_gradient_that_stays_is_found(double momentum)
    {
        using var scope = NewDisposeScope();
        using var model = nn.Linear(3, 2);
        LeakGuardAttribute.ParametersMade(2);
        using var zero = model.ToWeights();
        using var global = Variate(zero, 1);
        using var own = Variate(zero, 2);
        using var control = new LocalControl(model, _ => true, global, own);
        var parameters = model.parameters().ToArray();
        var gradients = Array.ConvertAll(parameters, p => randn_like(p).detach());
        var velocities = Array.ConvertAll(parameters, p => zeros_like(p).detach());
        foreach (var rate in new[] { 0.3, 0.1, 0.05, 0.2 })
        {
            for (var i = 0; i < parameters.Length; i++)
                parameters[i].grad = gradients[i].clone();
            control.AddGradients();
            using var noGradients = no_grad();
            for (var i = 0; i < parameters.Length; i++)
            {
                velocities[i].mul_(momentum).add_(parameters[i].grad!);
                parameters[i].sub_(velocities[i] * rate);
                parameters[i].grad = null;
            }
            control.Stepped(rate, momentum);
        }
        var (next, difference) = control.Finish();
        using (next)
        using (difference)
        {
            for (var i = 0; i < parameters.Length; i++)
                Near(gradients[i].data<float>().ToArray(), Values(next[i]));
        }
    }

    [Theory]
    [InlineData("""{ "control_variates": "scafold" }""", "control_variates is 'scafold'; known is: scaffold")]
    [InlineData("""{ "control_variates": "scaffold", "control_option": 3 }""", "control_option is 3 where 1")]
    [InlineData("""{ "control_variates": "scaffold", "optimizer": "LBFGS" }""", "LBFGS makes other steps of them. Take SGD")]
    [InlineData("""{ "control_variates": "scaffold", "optimizer": "Adam" }""", "Adam makes other steps of them")]
    [InlineData("""{ "control_variates": "scaffold", "proximal_mu": 0.1 }""", "leave one of them out")]
    [InlineData("""{ "control_variates": "scaffold", "optimizer_params": { "momentum": 0.9, "nesterov": true } }""", "do not go with SGD's nesterov")]
    [InlineData("""{ "control_variates": "scaffold", "local_privacy": ["clip 1.0", "gaussian 0.5"] }""", "leave one of them out")]
    [InlineData("""{ "personal": ["output.*", ""] }""", "personal has an empty name")]
    public void What_makes_no_sense_is_refused_with_the_reason(string hyperparameters, string reason) =>
        Assert.Contains(reason, Assert.Throws<TaskContractException>(() => TaskJson.Read<Hyperparameters>(JsonElement.Parse(hyperparameters), "hyperparameters")).Message, StringComparison.Ordinal);

    private MemoryAttempt Attempt(string hyperparameters, NamedArrays weights, int round) =>
        new MemoryAttempt { Round = round, MaximumRounds = 9, Datasets = data.Mapping }.With("hyperparameters", hyperparameters).With("global_model_params", weights);

    private static (float[][] Weights, float[][] Gradients) ByHand(TinyModel model, NamedArrays global, NamedArrays own)
    {
        using var scope = NewDisposeScope();
        using var dataset = TensorDataset.From(TinyData.Arrays(), "tiny", train: true);
        var (samples, targets) = (dataset.Samples.to_type(ScalarType.Float32).div(255), dataset.Targets.to_type(ScalarType.Int64));
        float[][]? gradients = null;
        for (var step = 0; step < Steps; step++)
        {
            nn.functional.cross_entropy(model.call(samples), targets).backward();
            gradients ??= [.. model.parameters().Select(p => p.grad!.data<float>().ToArray())];
            using var noGradients = no_grad();
            foreach (var (parameter, i) in model.parameters().Select((p, i) => (p, i)))
            {
                parameter.sub_((parameter.grad! - tensor(Values(own[i])).reshape(parameter.shape) + tensor(Values(global[i])).reshape(parameter.shape)) * Rate);
                parameter.grad = null;
            }
        }
        return ([.. model.parameters().Select(p => p.detach().data<float>().ToArray())], gradients!);
    }

    private static float[] Values(NamedArray array) => array.Span<float>().ToArray();

    private static NamedArrays Variate(NamedArrays like, int seed)
    {
        var random = new Random(seed);
        return new NamedArrays(like.Select(a => new NamedArray(a.Name, a.Type, a.Shape,
            System.Runtime.InteropServices.MemoryMarshal.AsBytes(Enumerable.Range(0, (int)a.Count).Select(_ => seed == 0 ? 0 : (float)(random.NextDouble() - 0.5) * 0.1f).ToArray().AsSpan()).ToArray())));
    }

    private static NamedArrays Json(string text)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);
        return new NamedArrays([new NamedArray(".json", ArrayType.UInt8, [bytes.Length], bytes)]);
    }

    private static void Near(float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], found[i], 2e-5f);
    }
}
