"""Follows TIP's live feed: one JSON line an event on stdout, losses on stderr.

    protoc --proto_path=proto --python_out=/tmp/tip proto/tip/v1/*.proto
    PYTHONPATH=/tmp/tip /usr/bin/python3 docs/examples/follow.py tcp://127.0.0.1:5571 listing. [count]
"""
import sys

import zmq
from google.protobuf.json_format import MessageToJson
from tip.v1 import event_pb2, record_pb2


def follow(endpoint, wanted, count):
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.connect(endpoint)
    socket.subscribe(f"v1.{wanted}".encode())
    socket.subscribe(b"v1.bus.head.")
    seen = {}  # (class, tlp) -> last class_seq

    while count != 0:
        topic, body = socket.recv_multipart()
        record = record_pb2.Record.FromString(body)
        event = event_pb2.Event.FromString(record.event)
        if event.kind == "bus.head":
            for head in event.bus_head.classes:
                key = (head.class_name, head.tlp)
                if key in seen and head.class_seq > seen[key]:
                    report(key, seen[key] + 1, head.class_seq)
                    seen[key] = head.class_seq
            continue
        key = (topic.decode().split(".")[1], record.stamp.tlp)
        if key in seen and record.stamp.class_seq > seen[key] + 1:
            report(key, seen[key] + 1, record.stamp.class_seq - 1)
        if record.stamp.class_seq:
            seen[key] = record.stamp.class_seq
        print(MessageToJson(event, preserving_proto_field_name=True, indent=None), flush=True)
        count -= 1


def report(key, first, last):
    """Only meaningful for a subscription to a whole class: a filter within one passes numbers over."""
    print(f"lost {key[0]} {first}..{last}: fetch them", file=sys.stderr, flush=True)


if __name__ == "__main__":
    follow(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else -1)
