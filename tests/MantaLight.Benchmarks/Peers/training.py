"""The tutorial's loop in PyTorch, eager: samples a second of one run, and GFLOP/s of its matrix product, each time that a line comes."""
# Wants: apt-get install python3-torch libopenblas0-openmp
import json, os, re, sys, time
import torch
from torch import nn

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(1)
SAMPLES = 30_000
x = torch.rand(SAMPLES, 784)
y = torch.randint(0, 10, (SAMPLES,))


def run():
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss = nn.CrossEntropyLoss()
    order = torch.randperm(SAMPLES)
    began = time.perf_counter()
    for start in range(0, SAMPLES, 32):
        chosen = order[start:start + 32]
        optimizer.zero_grad()
        value = loss(model(x[chosen]), y[chosen])
        value.backward()
        optimizer.step()
        value.item()
    return SAMPLES / (time.perf_counter() - began)


def gemm():
    a, b = torch.rand(1024, 1024), torch.rand(1024, 1024)
    a @ b
    began = time.perf_counter()
    for _ in range(10):
        a @ b
    return 2 * 1024 ** 3 * 10 / (time.perf_counter() - began) / 1e9


def blas():
    with open("/proc/self/maps") as maps:
        paths = {line.split()[-1] for line in maps if re.search(r"/[^/]*(blas|mkl)[^/]*\.so", line)}
    return ", ".join(sorted({os.path.basename(os.path.realpath(p)) for p in paths})) or "not known"


run()
print(json.dumps({"text": f"PyTorch {torch.__version__} with {blas()}"}), flush=True)
for _ in sys.stdin:
    print(json.dumps({"samples_per_second": run(), "gemm_gflops": gemm()}), flush=True)
