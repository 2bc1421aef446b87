"""Local updates of the 2NN in PyTorch, eager, without any federation: updates a minute of one thread each time that a line comes.

An update copies the global, makes one epoch of 60 samples in batches of 10 (SGD, 0.1), and adds the result to a mean; processes beside each other are as many as cores.
"""
# Wants: apt-get install python3-torch libopenblas0-openmp
import json, sys, time
import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(1)
SAMPLES, BATCH, UPDATES = 60, 10, 200
x = torch.rand(UPDATES, SAMPLES, 784)
y = torch.randint(0, 10, (UPDATES, SAMPLES))


def network():
    return nn.Sequential(nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10))


def run():
    start = network().state_dict()
    total = {name: torch.zeros_like(value) for name, value in start.items()}
    loss = nn.CrossEntropyLoss()
    began = time.perf_counter()
    for who in range(UPDATES):
        model = network()
        model.load_state_dict(start)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for chosen in torch.randperm(SAMPLES).split(BATCH):
            optimizer.zero_grad()
            loss(model(x[who][chosen]), y[who][chosen]).backward()
            optimizer.step()
        for name, value in model.state_dict().items():
            total[name].add_(value, alpha=1 / UPDATES)
    return UPDATES / (time.perf_counter() - began) * 60


run()
print(json.dumps({"text": f"PyTorch {torch.__version__}"}), flush=True)
for _ in sys.stdin:
    print(json.dumps({"updates_per_minute": run()}), flush=True)
