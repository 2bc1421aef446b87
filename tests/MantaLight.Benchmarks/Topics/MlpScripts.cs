namespace MantaLight.Benchmarks.Topics;

/// <summary><see cref="Mlp"/> with cross entropy, in TorchScript: what a worker's <c>Script</c> would be.</summary>
internal static class MlpScripts
{
    public const string Loss = """
        def loss(samples: Tensor, targets: Tensor, parameters: List[Tensor]) -> Tensor:
            first = torch.relu(torch.linear(samples.flatten(1), parameters[0], parameters[1]))
            second = torch.relu(torch.linear(first, parameters[2], parameters[3]))
            return torch.nll_loss(torch.log_softmax(torch.linear(second, parameters[4], parameters[5]), 1), targets)

        """;

    // The gradient of a layer's weights goes into the velocities as it is computed: it never is in memory of its own.
    public const string Step = """
        def step(samples: Tensor, targets: Tensor, parameters: List[Tensor], velocities: List[Tensor], rate: float, momentum: float) -> Tensor:
            x = samples.flatten(1)
            first = torch.relu(torch.linear(x, parameters[0], parameters[1]))
            second = torch.relu(torch.linear(first, parameters[2], parameters[3]))
            scores = torch.log_softmax(torch.linear(second, parameters[4], parameters[5]), 1)
            slope = torch.exp(scores)
            slope.scatter_add_(1, targets.unsqueeze(1), torch.full([x.size(0), 1], -1.0))
            slope.div_(x.size(0))
            slope2 = torch.threshold_backward(slope.mm(parameters[4]), second, 0)
            slope1 = torch.threshold_backward(slope2.mm(parameters[2]), first, 0)
            inputs = [x, first, second]
            slopes = [slope1, slope2, slope]
            for i in range(2, -1, -1):
                velocities[2 * i].addmm_(slopes[i].t(), inputs[i], beta=momentum)
                parameters[2 * i].add_(velocities[2 * i], alpha=-rate)
                velocities[2 * i + 1].mul_(momentum).add_(slopes[i].sum(0))
                parameters[2 * i + 1].add_(velocities[2 * i + 1], alpha=-rate)
            return torch.nll_loss(scores, targets)

        """;
}
