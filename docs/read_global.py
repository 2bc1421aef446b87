"""Prints a global's tensors from retained messages alone; no node has to be there.
Usage: python3 docs/read_global.py [HOST[:PORT] [SWARM [TAG [CLUSTER]]]]"""
import hashlib, json, sys
import msgpack, numpy, paho.mqtt.subscribe as mqtt

given, defaults = sys.argv[1:], ["localhost", "mnist", "global_model_params", "local"]
address, swarm, tag, cluster = given + defaults[len(given):]
host, _, port = address.partition(":")
broker = {"hostname": host, "port": int(port or 1883), "qos": 1}
root = f"mantalight/{cluster}/swarms/{swarm}"
blob = json.loads(mqtt.simple(f"{root}/globals/{tag}", **broker).payload)["global"]["content"]["blob"]
chunks = mqtt.simple(f"{root}/blobs/{blob['sha256']}/+", msg_count=blob["chunk_count"], **broker)
chunks = chunks if isinstance(chunks, list) else [chunks]
data = b"".join(c.payload for c in sorted(chunks, key=lambda c: int(c.topic.rsplit("/")[-1])))
assert hashlib.sha256(data).hexdigest() == blob["sha256"], "the chunks do not match the hash"
for tensor in msgpack.unpackb(data)["tensors"]:
    array = numpy.frombuffer(tensor["data"], tensor["dtype"]).reshape(tensor["shape"])
    print(f"{tensor['name']:<16} {array.dtype} {array.shape} mean {array.mean():+.6f}")
