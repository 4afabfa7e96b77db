# ruff: noqa: T201 - a script that prints its result
"""The floor of the ingest bench: paho alone, which counts what it receives.

usage: receive.py PORT MESSAGES
"""

import json
import sys
import time
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    """Run it."""
    port, wanted = int(sys.argv[1]), int(sys.argv[2])
    seen = 0
    began = (0.0, 0.0)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="receive")

    def on_message(_client: Any, _data: Any, _message: Any) -> None:
        nonlocal seen, began
        seen += 1
        if seen == 1:
            began = time.monotonic(), time.process_time()
        if seen == wanted:
            took, cpu = time.monotonic() - began[0], time.process_time() - began[1]
            print(json.dumps({"messages": seen, "seconds": took, "cpu": cpu}), flush=True)
            client.disconnect()

    def on_connect(*_: Any) -> None:
        client.subscribe("wolfsmoke/1/+/+/+", 1)

    client.on_message, client.on_connect = on_message, on_connect
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.connect("127.0.0.1", port)
    client.loop_forever()


if __name__ == "__main__":
    main()
