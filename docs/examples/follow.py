"""Follows whole classes of TIP's events and misses none: live from the feed, what the feed lost from the journal.

    protoc --proto_path=proto --python_out=/tmp/tip proto/tip/v1/*.proto
    PYTHONPATH=/tmp/tip /usr/bin/python3 docs/examples/follow.py --state position.json listing. verdict. >>events.ndjson

One JSON line an event; {"gap": ...} where the journal itself has lost something. At least once: after a kill the last
second comes again, with the same ids. How it works: docs/consumers.md.
"""
import argparse
import json
import os
import struct
import sys
import time

import zmq
import zmq.auth
from google.protobuf.json_format import MessageToDict
from tip.v1 import bus_pb2, event_pb2, record_pb2

HEAD = "v1.bus.head."
ANSWER_MS = 5000
REFUSED_S = 1
SILENCE_MS = 10000  # the head comes each second; without it the connection is dead, and nobody else would say so


class Follower:
    def __init__(self, options):
        self.options, self.state, self.topics = options, options.state, [f"v1.{topic}" for topic in options.topics]
        self.journal, self.safe = b"", 0  # everything before `safe` in this journal is printed; 0: from the first one
        self.seen = set()                 # seq of what is printed from `safe` on
        self.counts = {}                  # (class, tlp) -> class_seq up to which nothing is missing
        self.request = 0
        if os.path.exists(self.state):
            with open(self.state, encoding="ascii") as file:
                stored = json.load(file)
            self.journal, self.safe = bytes.fromhex(stored["journal_id"]), stored["next_seq"]
        self.feed = self.subscribe()
        self.fetch = self.connect(zmq.DEALER, options.fetch, options)

    @staticmethod
    def connect(kind, endpoint, options):
        socket = zmq.Context.instance().socket(kind)
        socket.linger = 0
        if options.secret:
            socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(options.secret)
            socket.curve_serverkey = zmq.auth.load_certificate(options.server)[0]
        socket.connect(endpoint)
        return socket

    def subscribe(self):
        socket = self.connect(zmq.SUB, self.options.feed, self.options)
        for topic in [*self.topics, HEAD]:
            socket.subscribe(topic)
        return socket

    # ---- what was printed

    def deliver(self, record):
        """Prints a record once; its counter says up to where its class is complete."""
        stamp = record.stamp
        key = (stamp.topic.split(".")[1], stamp.tlp)
        self.counts[key] = max(self.counts.get(key, 0), stamp.class_seq)
        if stamp.seq < self.safe or stamp.seq in self.seen:
            return
        self.seen.add(stamp.seq)
        event = event_pb2.Event.FromString(record.event)
        line = MessageToDict(event, preserving_proto_field_name=True)
        line["id"], line["seq"] = event.id.hex(), stamp.seq
        print(json.dumps(line))

    def settle(self, safe):
        """Everything before `safe` is printed: remembers that, once it is out of our hands."""
        self.safe = safe
        self.seen = {seq for seq in self.seen if seq >= safe}
        sys.stdout.flush()
        with open(self.state + ".new", "w", encoding="ascii") as file:
            json.dump({"journal_id": self.journal.hex(), "next_seq": self.safe}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.state + ".new", self.state)

    # ---- the journal

    def ask(self):
        """One FETCH from `safe`; repeated until it is answered, whatever happens to the broker."""
        while True:
            self.request += 1
            fetch = bus_pb2.Fetch(journal_id=self.journal, from_seq=self.safe, prefixes=self.topics, request=self.request)
            self.fetch.send(bus_pb2.Frame(fetch=fetch).SerializeToString())
            while self.fetch.poll(ANSWER_MS):
                head, *body = self.fetch.recv_multipart()
                frame = bus_pb2.Frame.FromString(head)
                name = frame.WhichOneof("body")
                answer = getattr(frame, name)
                if name == "refused" and answer.fatal:
                    sys.exit(f"refused: {answer.reason}")
                if name == "refused":  # for now: too many connections of this key, say
                    print(f"refused: {answer.reason}", file=sys.stderr, flush=True)
                    time.sleep(REFUSED_S)
                    break
                if name == "ping":
                    self.fetch.send(bus_pb2.Frame(pong=bus_pb2.Pong(nonce=answer.nonce)).SerializeToString())
                elif name != "pong" and answer.request == self.request:
                    return name, answer, body[0] if body else b""

    def repair(self):
        """Fetches from `safe` to the head of the journal; says what the journal has lost."""
        while True:
            name, answer, body = self.ask()
            if name == "batch":
                at = 0
                for _ in range(answer.n):
                    (size,) = struct.unpack_from("<I", body, at)
                    self.deliver(record_pb2.Record.FromString(body[at + 4:at + 4 + size]))
                    at += 4 + size
                self.journal = answer.journal_id
                self.settle(answer.next_seq)
                if answer.next_seq > answer.head_seq:
                    return
                continue
            following = answer.to_seq + 1 if name == "damaged" else answer.first_available
            print(json.dumps({"gap": {"reason": name, "from_seq": self.safe, "next_seq": following,
                                      "journal": answer.journal_id.hex()}}))
            if name == "new_journal":
                self.seen, self.counts = set(), {}
            self.journal = answer.journal_id
            self.settle(following)

    def missing(self, what):
        print(f"missing {what}: fetching from {self.safe}", file=sys.stderr, flush=True)
        self.repair()

    # ---- the feed

    def on_head(self, head):
        """Each second: how far every class has come. So a loss at the tail is seen too."""
        if head.journal_id != self.journal:
            self.missing("a journal")
        classes = {(c.class_name, c.tlp): c.class_seq for c in head.classes
                   if any(topic.startswith(f"v1.{c.class_name}.") or topic == "v1." for topic in self.topics)}
        behind = [key for key, class_seq in classes.items() if class_seq > self.counts.get(key, 0)]
        if behind and head.head_seq >= self.safe:
            self.missing(behind)
        if head.journal_id == self.journal:
            for key, class_seq in classes.items():
                self.counts[key] = max(self.counts.get(key, 0), class_seq)
            if head.head_seq >= self.safe:
                self.settle(head.head_seq + 1)

    def on_record(self, record):
        stamp = record.stamp
        key = (stamp.topic.split(".")[1], stamp.tlp)
        if stamp.seq == 0:
            return  # live only: a heartbeat
        if stamp.journal_id == self.journal and stamp.class_seq <= self.counts.get(key, 0):
            return  # fetched before it came
        if stamp.journal_id != self.journal or stamp.class_seq != self.counts.get(key, 0) + 1:
            self.missing([key])
        else:
            self.deliver(record)

    def run(self):
        if self.safe:
            print()  # a line that a kill has torn ends here; it comes again whole
        self.repair()
        while True:
            if not self.feed.poll(SILENCE_MS):
                self.feed.close()
                self.feed = self.subscribe()
                self.missing("any sign of life, connected anew")
                continue
            topic, body = self.feed.recv_multipart()
            record = record_pb2.Record.FromString(body)
            if topic.decode() == HEAD:
                self.on_head(event_pb2.Event.FromString(record.event).bus_head)
            else:
                self.on_record(record)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("topics", nargs="+", help="whole classes: listing. verdict.")
    parser.add_argument("--state", required=True, help="file that remembers how far it came")
    parser.add_argument("--feed", default="tcp://127.0.0.1:5571")
    parser.add_argument("--fetch", default="tcp://127.0.0.1:5552")
    parser.add_argument("--secret", help="NAME.cert_secret, made by `tip keys add`")
    parser.add_argument("--server", help="broker.cert")
    try:
        Follower(parser.parse_args()).run()
    except BrokenPipeError:
        os._exit(0)  # whoever read us has gone


if __name__ == "__main__":
    main()
