"""A Python participant that waits: numpy and an MQTT client, connected with a node's keep-alive and subscribed; it prints a line when it is, and ends with its input.

idle.py HOST PORT
"""
# Wants: apt-get install python3-paho-mqtt python3-numpy python3-msgpack
import json, sys
import msgpack
import numpy
import paho.mqtt.client as mqtt

client = mqtt.Client(client_id="idle", protocol=mqtt.MQTTv5)
client.on_connect = lambda c, *_: c.subscribe([(f"mantalight/local/{t}", 1) for t in ("nodes/+", "nodes/idle/inbox", "swarms/+", "swarms/+/state", "swarms/+/schedule/idle")])
client.on_subscribe = lambda *_: print(json.dumps({"text": f"paho-mqtt with numpy {numpy.__version__}, msgpack {msgpack.version}"}), flush=True)
client.connect(sys.argv[1], int(sys.argv[2]), keepalive=15)
client.loop_start()
sys.stdin.read()
