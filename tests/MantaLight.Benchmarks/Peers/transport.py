"""Messages of QoS 1 between two connections of paho over a broker: MB/s of 256 KiB one way, sixteen under way, five runs; microseconds of 200 bytes there and back.

transport.py PORT
"""
# Wants: apt-get install python3-paho-mqtt
import json, socket, sys, threading, time
import paho.mqtt.client as mqtt

CHUNK, CHUNKS, WINDOW, TRIPS, WARM_UP = 256 << 10, 400, 16, 500, 50


def prompt(opened):
    """As our own client does: else mosquitto waits 40 ms for an acknowledgement before it sends the next small packet."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_QUICKACK"):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def connect(name, subscribed, received):
    ready = threading.Event()
    client = mqtt.Client(name, protocol=mqtt.MQTTv5)
    client.max_inflight_messages_set(WINDOW)
    client.on_socket_open = lambda c, u, opened: prompt(opened)
    client.on_message = lambda c, u, message: (prompt(c.socket()), received(c))
    client.on_publish = lambda c, *_: prompt(c.socket())
    client.on_connect = lambda c, *_: c.subscribe(subscribed, 1)
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", int(sys.argv[1]))
    client.loop_start()
    if not ready.wait(10):
        sys.exit("The broker does not answer.")
    return client


def one_way():
    arrived = threading.Semaphore(0)
    source, target = connect("peer_from", "bench/none", lambda c: None), connect("peer_to", "bench/chunk", lambda c: arrived.release())
    payload = bytes(CHUNK)
    began = time.perf_counter()
    for _ in range(CHUNKS):
        source.publish("bench/chunk", payload, 1)
    for _ in range(CHUNKS):
        if not arrived.acquire(timeout=30):
            sys.exit("A message was lost.")
    rate = CHUNK * CHUNKS / (time.perf_counter() - began) / 1e6
    for client in (source, target):
        client.disconnect()
        client.loop_stop()
    return rate


def round_trips():
    back, payload = threading.Semaphore(0), bytes(200)
    here = connect("peer_here", "bench/back", lambda c: back.release())
    there = connect("peer_there", "bench/to", lambda c: c.publish("bench/back", payload, 1))
    times = []
    for _ in range(TRIPS + WARM_UP):
        began = time.perf_counter()
        here.publish("bench/to", payload, 1)
        if not back.acquire(timeout=30):
            sys.exit("A message was lost.")
        times.append((time.perf_counter() - began) * 1e6)
    for client in (here, there):
        client.disconnect()
        client.loop_stop()
    return times[WARM_UP:]


print(json.dumps({"chunks": [one_way() for _ in range(5)], "round_trip": round_trips()}))
