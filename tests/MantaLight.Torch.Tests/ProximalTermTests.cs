using System.Text.Json;
using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;
using MantaLight.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Tests;

/// <summary>FedProx in the training loop.</summary>
public class ProximalTermTests
{
    private const double Rate = 0.1, Mu = 0.7;

    [Theory]
    [InlineData(null)]
    [InlineData(Scripts.Loss + "\n" + Scripts.Step)]
    public void A_step_is_one_against_the_gradient_of_the_loss_and_of_the_distance_from_the_global(string? script)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var model = new TinyModel();
        var start = model.parameters().Select(p => p.detach().clone()).ToArray();
        var samples = (rand(64, 8, 8) * 255).to_type(ScalarType.Byte);
        var targets = randint(0, 3, 64);

        var twin = start.Select(p => p.detach().clone().requires_grad_()).ToArray();
        var expected = ByHand(twin, start, samples, targets);
        Train(model, samples, targets, Mu, script);

        foreach (var (parameter, by) in model.parameters().Zip(expected))
            Assert.True(allclose(parameter, by, rtol: 1e-5, atol: 1e-6), $"{(parameter - by).abs().max().ToSingle()}");
        // And without it the weights would be others.
        using var free = new TinyModel();
        using (no_grad())
        {
            foreach (var (parameter, from) in free.parameters().Zip(start))
                parameter.copy_(from);
        }
        Train(free, samples, targets, 0, script);
        Assert.False(allclose(free.parameters().First(), expected[0], rtol: 1e-5, atol: 1e-6));
    }

    [Theory]
    [InlineData("-0.1")]
    [InlineData("1e400")]
    public void A_mu_below_0_or_without_an_end_is_refused(string mu) =>
        Assert.Contains("proximal_mu", Assert.Throws<TaskContractException>(() => TaskJson.Read<Hyperparameters>(JsonElement.Parse($$"""{ "proximal_mu": {{mu}} }"""), "hyperparameters")).Message, StringComparison.Ordinal);

    // Full batches, so that the order of samples shows in rounding alone.
    private static Tensor[] ByHand(Tensor[] parameters, Tensor[] start, Tensor samples, Tensor targets)
    {
        var x = samples.to_type(ScalarType.Float32) / 255;
        for (var step = 0; step < 15; step++)
        {
            var hidden = nn.functional.relu(nn.functional.linear(x.flatten(1), parameters[0], parameters[1]));
            var loss = nn.functional.cross_entropy(nn.functional.linear(hidden, parameters[2], parameters[3]), targets);
            foreach (var (parameter, from) in parameters.Zip(start))
                loss = loss + (Mu / 2 * (parameter - from).pow(2).sum());
            loss.backward();
            using var noGradients = no_grad();
            foreach (var parameter in parameters)
            {
                parameter.sub_(parameter.grad! * Rate);
                parameter.grad = null;
            }
        }
        return parameters;
    }

    private static void Train(TinyModel model, Tensor samples, Tensor targets, double mu, string? script)
    {
        var context = new AttemptContext(_ => { })
        {
            Swarm = "s", Round = 1, MaximumRounds = 1, Node = "n", Alias = "w", Attempt = 1, Seed = 1, Threads = 1, Deadline = DateTimeOffset.MaxValue,
            Options = JsonElement.Parse("{}"), Time = TimeProvider.System,
        };
        var hyperparameters = new Hyperparameters { Epochs = 15, BatchSize = 64, ProximalMu = mu, OptimizerParams = new Dictionary<string, JsonElement> { ["lr"] = TaskJson.Write(Rate) } };
        using var loader = new DataLoader(new TensorDataset(samples.alias(), targets.alias()), 64, seed: 1);
        new TrainingLoop(model, hyperparameters, context, model.call, (output, targets, loss) => loss.Compute(output, targets), script is null ? null : LossScript.Of(script)).Run(loader, CancellationToken.None);
    }
}
