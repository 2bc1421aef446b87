"""Figures in microseconds, seven runs each: the tutorial's model to bytes and back by what Python programs use."""
# Wants: apt-get install python3-numpy python3-msgpack
import io, json, pickle, time
import msgpack
import numpy as np

shapes = {"fc1.weight": (512, 784), "fc1.bias": (512,), "fc2.weight": (512, 512), "fc2.bias": (512,), "fc3.weight": (10, 512), "fc3.bias": (10,)}
arrays = {name: np.random.default_rng(1).random(shape, dtype=np.float32) for name, shape in shapes.items()}


def runs(action, count=7, calls=40):
    action()
    times = []
    for _ in range(count):
        began = time.perf_counter()
        for _ in range(calls):
            action()
        times.append((time.perf_counter() - began) / calls * 1e6)
    return times


def encode():
    return msgpack.packb({"tensors": [{"name": n, "dtype": "float32", "shape": a.shape, "data": a.data.cast("B")} for n, a in arrays.items()]})


encoded = encode()


def decode():
    return {t["name"]: np.frombuffer(t["data"], np.float32).reshape(t["shape"]).copy() for t in msgpack.unpackb(encoded)["tensors"]}


def savez():
    target = io.BytesIO()
    np.savez(target, **arrays)
    return target


saved = savez().getvalue()


def load():
    with np.load(io.BytesIO(saved)) as file:
        return {name: file[name] for name in file}


pickled = pickle.dumps(arrays, protocol=5)
print(json.dumps({
    "msgpack_encode": runs(encode), "msgpack_decode": runs(decode), "savez": runs(savez, calls=10), "load": runs(load, calls=10),
    "pickle_dumps": runs(lambda: pickle.dumps(arrays, protocol=5)), "pickle_loads": runs(lambda: pickle.loads(pickled)),
}))
