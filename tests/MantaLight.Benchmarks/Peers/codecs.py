"""The value steps of a codec in PyTorch on one thread: milliseconds to pack a model and to unpack it again, each time that a line comes. Headers and error feedback are left out.

codecs.py STEPS BEFORE AFTER, models as plain MessagePack weights
"""
# Wants: apt-get install python3-torch python3-msgpack python3-numpy libopenblas0-openmp
import json, sys, time
import msgpack
import numpy as np
import torch

BLOCK = 256
torch.set_num_threads(1)


def read(path):
    with open(path, "rb") as file:
        return [torch.from_numpy(np.frombuffer(t["data"], np.float32).copy()) for t in msgpack.unpackb(file.read())["tensors"]]


def scaled(values):
    blocks = torch.nn.functional.pad(values, (0, -len(values) % BLOCK)).view(-1, BLOCK)
    scales = blocks.abs().amax(1, keepdim=True) / 127
    return torch.round(blocks / scales.clamp_min(1e-30)).to(torch.int8), scales, len(values)


def largest(values, share):
    places = torch.topk(values.abs(), max(1, round(len(values) * share)), sorted=False).indices.sort().values
    return places.to(torch.int32), values[places], len(values)


def spread(packed):
    places, chosen, count = packed
    values = torch.zeros(count)
    values[places.long()] = chosen
    return values


def step(text, before):
    name, *options = text.split(" ")
    if name == "delta":
        return (lambda v, i: v - before[i]), (lambda p, i: p + before[i])
    if name == "fp16":
        return (lambda v, i: v.half()), (lambda p, i: p.float())
    if name == "bf16":
        return (lambda v, i: v.bfloat16()), (lambda p, i: p.float())
    if name == "int8":
        return (lambda v, i: scaled(v)), (lambda p, i: (p[0] * p[1]).view(-1)[:p[2]])
    return (lambda v, i: largest(v, float(options[0]))), (lambda p, i: spread(p))


def both(steps, before):
    """What comes after top_k takes its chosen values alone."""
    made = [(text.startswith("top_k"), *step(text, before)) for text in steps]

    def pack(value, index):
        chosen = None
        for is_chosen, forward, _ in made:
            value = forward(value, index)
            if is_chosen:
                chosen, value = value, value[1]
        return chosen, value

    def unpack(packed, index):
        chosen, value = packed
        for is_chosen, _, backward in reversed(made):
            value = backward((chosen[0], value, chosen[2]) if is_chosen else value, index)
        return value

    return pack, unpack


def run(action, values):
    calls, began = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - began < 0.02:
        for index, value in enumerate(values):
            action(value, index)
        calls += 1
    return (time.perf_counter() - began) / calls * 1000


before, after = read(sys.argv[2]), read(sys.argv[3])
pack, unpack = both(sys.argv[1].split(","), before)
packed = [pack(value, index) for index, value in enumerate(after)]
print(json.dumps({"text": f"PyTorch {torch.__version__}"}), flush=True)
for _ in sys.stdin:
    print(json.dumps({"pack": run(pack, after), "unpack": run(unpack, packed)}), flush=True)
