"""The arrays of a packed model in zstd frames of their own, as its codec compresses them: milliseconds for all of them each time that a line comes.

zstd.py FILE LEVEL
"""
# Wants: apt-get install python3-msgpack python3-zstandard
import json, sys, time
import msgpack
import zstandard

with open(sys.argv[1], "rb") as file:
    frames = [bytes(t["data"]) for t in msgpack.unpackb(file.read())["tensors"][1:]]
compressor = zstandard.ZstdCompressor(level=int(sys.argv[2]))
decompressor = zstandard.ZstdDecompressor()
arrays = [decompressor.decompress(f) for f in frames]


def run(action, values):
    calls, began = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - began < 0.02:
        for value in values:
            action(value)
        calls += 1
    return (time.perf_counter() - began) / calls * 1000


print(json.dumps({"text": f"zstandard {zstandard.__version__}"}), flush=True)
for _ in sys.stdin:
    print(json.dumps({"pack": run(compressor.compress, arrays), "unpack": run(decompressor.decompress, frames)}), flush=True)
