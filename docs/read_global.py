# Prints a swarm's global weights from retained messages alone: python3 docs/read_global.py [HOST [PORT [SWARM]]]
import hashlib, json, sys
import msgpack, numpy, paho.mqtt.subscribe as mqtt

def unpacked(steps, about, data):
    """An array that travels by a codec: docs/protocol.md, Codecs."""
    coding = next((c for c in ("fp16", "bf16", "int8") if c in steps and about["dtype"] == "float32"), about["dtype"])
    kind = numpy.dtype({"fp16": "f2", "bf16": "u2", "int8": "i1"}.get(coding, coding))
    if "zstd" in steps:
        try:
            import zstandard
        except ImportError:
            sys.exit("The global is compressed: install python3-zstandard, or the package zstandard.")
        data = numpy.frombuffer(zstandard.decompress(data), "u1").reshape(kind.itemsize, -1).T.tobytes()
    if coding == "int8":
        block, count = int((steps["int8"] or ["256"])[0]), int(numpy.prod(about["shape"]))
        scales = numpy.frombuffer(data, "f4", -(-count // block))
        values = numpy.repeat(scales, block)[:count] * numpy.frombuffer(data, "i1", offset=scales.nbytes)
    else:
        values = numpy.frombuffer(data, kind)
        values = (values.astype("u4") << 16).view("f4") if coding == "bf16" else values
    return {**about, "data": values.astype(about["dtype"]).tobytes()}

host, port, swarm = (sys.argv + ["localhost", "1883", "mnist"][len(sys.argv) - 1:])[1:]
broker, root = {"hostname": host, "port": int(port), "qos": 1}, f"mantalight/local/swarms/{swarm}"
pointer = json.loads(mqtt.simple(f"{root}/globals/global_model_params", **broker).payload)["global"]["content"]["blob"]
topics = [f"{root}/blobs/{pointer['sha256']}/{i}" for i in range(pointer["chunk_count"])]
weights = b"".join(mqtt.simple(topic, **broker).payload for topic in topics)
assert hashlib.sha256(weights).hexdigest() == pointer["sha256"], "the chunks do not match the hash"
tensors = msgpack.unpackb(weights)["tensors"]
if pointer["format"] == "packed":
    header = json.loads(tensors[0]["data"])
    steps = {step.split()[0]: step.split()[1:] for step in header["steps"]}
    tensors = [unpacked(steps, about, tensor["data"]) for about, tensor in zip(header["arrays"], tensors[1:])]
for tensor in tensors:
    array = numpy.frombuffer(tensor["data"], tensor["dtype"]).reshape(tensor["shape"])
    print(f"{tensor['name']:<16} {array.dtype} {array.shape} mean {array.mean():+.6f}")
