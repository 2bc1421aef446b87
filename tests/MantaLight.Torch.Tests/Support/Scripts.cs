namespace MantaLight.Torch.Tests.Support;

/// <summary><see cref="TinyModel"/> with cross entropy, in TorchScript.</summary>
public static class Scripts
{
    public const string Loss = """
        def loss(samples: Tensor, targets: Tensor, parameters: List[Tensor]) -> Tensor:
            hidden = torch.relu(torch.linear(samples.flatten(1), parameters[0], parameters[1]))
            return torch.nll_loss(torch.log_softmax(torch.linear(hidden, parameters[2], parameters[3]), 1), targets)

        """;

    public const string Step = """
        def step(samples: Tensor, targets: Tensor, parameters: List[Tensor], velocities: List[Tensor], rate: float, momentum: float) -> Tensor:
            x = samples.flatten(1)
            hidden = torch.relu(torch.linear(x, parameters[0], parameters[1]))
            scores = torch.log_softmax(torch.linear(hidden, parameters[2], parameters[3]), 1)
            slope = torch.exp(scores)
            slope.scatter_add_(1, targets.unsqueeze(1), torch.full([x.size(0), 1], -1.0))
            slope.div_(x.size(0))
            inner = torch.threshold_backward(slope.mm(parameters[2]), hidden, 0)
            velocities[2].addmm_(slope.t(), hidden, beta=momentum)
            velocities[3].mul_(momentum).add_(slope.sum(0))
            velocities[0].addmm_(inner.t(), x, beta=momentum)
            velocities[1].mul_(momentum).add_(inner.sum(0))
            for i in range(4):
                parameters[i].add_(velocities[i], alpha=-rate)
            return torch.nll_loss(scores, targets)

        """;
}
