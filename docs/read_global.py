# Prints a swarm's global weights from retained messages alone: python3 docs/read_global.py [HOST [PORT [SWARM]]]
import hashlib, json, sys
import msgpack, numpy, paho.mqtt.subscribe as mqtt

host, port, swarm = (sys.argv + ["localhost", "1883", "mnist"][len(sys.argv) - 1:])[1:]
broker, root = {"hostname": host, "port": int(port), "qos": 1}, f"mantalight/local/swarms/{swarm}"
pointer = json.loads(mqtt.simple(f"{root}/globals/global_model_params", **broker).payload)["global"]["content"]["blob"]
if pointer["format"] != "weights":
    sys.exit(f"The global travels {pointer['format']}, by a codec of its swarm; this script reads weights as they are.")
topics = [f"{root}/blobs/{pointer['sha256']}/{i}" for i in range(pointer["chunk_count"])]
weights = b"".join(mqtt.simple(topic, **broker).payload for topic in topics)
assert hashlib.sha256(weights).hexdigest() == pointer["sha256"], "the chunks do not match the hash"
for tensor in msgpack.unpackb(weights)["tensors"]:
    array = numpy.frombuffer(tensor["data"], tensor["dtype"]).reshape(tensor["shape"])
    print(f"{tensor['name']:<16} {array.dtype} {array.shape} mean {array.mean():+.6f}")
