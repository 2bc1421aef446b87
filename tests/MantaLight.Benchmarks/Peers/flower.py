"""Flower's rounds without training, on this machine: a server and clients in processes of their own, over gRPC.

flower.py CLIENTS...   prints {"round_<clients>": [ms, ...], "server_<clients>": [MB], "client_<clients>": [MB], ...}
Takes flwr as it is installed, or the folder that holds it from FLOWER_SOURCE.
"""
# Wants: Flower 1.28: pip install flwr==1.28.0 for the Python that PYTHON names, or its source's folder in FLOWER_SOURCE
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time

os.environ["FLWR_TELEMETRY_ENABLED"] = "0"
if "FLOWER_SOURCE" in os.environ:
    sys.path.insert(0, os.environ["FLOWER_SOURCE"])
ROUNDS, WARM_UP = 20, 3
SHAPES = [(512, 784), (512,), (512, 512), (512,), (10, 512), (10,)]


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def serve(address, clients):
    import numpy as np
    from flwr.common import ndarrays_to_parameters
    from flwr.server import ServerConfig, start_server
    from flwr.server.strategy import FedAvg

    class Timed(FedAvg):
        rounds, began = [], 0.0

        def configure_fit(self, *args, **kwargs):
            Timed.began = time.perf_counter()
            return super().configure_fit(*args, **kwargs)

        def aggregate_fit(self, *args, **kwargs):
            result = super().aggregate_fit(*args, **kwargs)
            Timed.rounds.append((time.perf_counter() - Timed.began) * 1000)
            assert result[0] is not None
            return result

    random = np.random.default_rng(1)
    first = ndarrays_to_parameters([random.random(s, dtype=np.float32) for s in SHAPES])
    strategy = Timed(fraction_evaluate=0.0, min_fit_clients=clients, min_available_clients=clients, initial_parameters=first)
    start_server(server_address=address, config=ServerConfig(num_rounds=ROUNDS + WARM_UP), strategy=strategy)
    print(json.dumps({"round": Timed.rounds[WARM_UP:], "peak": peak()}))


def take_part(address):
    from flwr.client import NumPyClient, start_client

    class Echo(NumPyClient):
        def fit(self, parameters, config):
            return parameters, 1, {}

    start_client(server_address=address, client=Echo().to_client())
    print(json.dumps({"peak": peak()}))


def start(*arguments):
    # A file: a pipe that nobody reads would stop whoever logs much.
    errors = tempfile.TemporaryFile("w+")
    return subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, stderr=errors, text=True), errors


def answer(process, errors):
    output = process.communicate(timeout=120)[0]
    errors.seek(0)
    if process.returncode != 0:
        sys.exit(f"{process.args} ended with {process.returncode}:\n{errors.read()[-2000:]}")
    return json.loads(output.splitlines()[-1])


def measure(clients):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    processes = [start("--server", address, str(clients))]
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if processes[0][0].poll() is not None or probe.connect_ex(("127.0.0.1", int(address.split(":")[1]))) == 0:
                    break
            time.sleep(0.1)
        processes += [start("--client", address) for _ in range(clients)]
        server, *others = [answer(*p) for p in processes]
    finally:
        for process, errors in processes:
            process.kill()
            errors.close()
    return {f"round_{clients}": server["round"], f"server_{clients}": [server["peak"]], f"client_{clients}": [o["peak"] for o in others]}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--server", address, clients]:
            serve(address, int(clients))
        case ["--client", address]:
            take_part(address)
        case counts:
            print(json.dumps({name: figure for count in counts for name, figure in measure(int(count)).items()}))
