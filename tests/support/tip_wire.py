"""The wire, read and written from proto/ alone: an independent second reading of what the C code says."""
import contextlib
import importlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import types

import zmq
from google.protobuf.message import DecodeError

from tip_harness import SOURCE, broker_behind


def load_protos():
    """Classes of proto/tip/v1 as one namespace: pb.Event, pb.Frame, pb.Record, pb.ControlRequest, ..."""
    out = tempfile.mkdtemp(prefix="tip-pb-", dir="/tmp")
    try:
        files = sorted((SOURCE / "proto/tip/v1").glob("*.proto"))
        subprocess.run(["protoc", f"--proto_path={SOURCE / 'proto'}", f"--python_out={out}", *map(str, files)],
                       check=True)
        sys.path.insert(0, out)
        namespace = types.SimpleNamespace()
        for file in files:
            module = importlib.import_module(f"tip.v1.{file.stem}_pb2")
            vars(namespace).update({k: v for k, v in vars(module).items() if not k.startswith("_")})
        return namespace
    finally:
        sys.path.remove(out)
        shutil.rmtree(out)


pb = load_protos()
context = zmq.Context()
context.set(zmq.MAX_SOCKETS, 4096)


def uuid7(unix_ms=None):
    stamp = int(time.time() * 1000) if unix_ms is None else unix_ms
    random = bytearray(os.urandom(10))
    random[0] = 0x70 | random[0] & 0x0F
    random[2] = 0x80 | random[2] & 0x3F
    return stamp.to_bytes(6, "big") + bytes(random)


def event(kind, **payload):
    """An Event of `kind`, e.g. event("schedule.done", run_id=..., module="blacklist"): the payload by its fields."""
    made = pb.Event(id=uuid7(), kind=kind, observed_unix_ms=int(time.time() * 1000), schema=1)
    field = getattr(made, kind.replace(".", "_"))
    field.SetInParent()
    for name, value in payload.items():
        target = getattr(field, name)
        if isinstance(value, dict):
            target.update(value)
        elif isinstance(value, (list, tuple)):
            target.extend(value)
        else:
            setattr(field, name, value)
    return made


class Seen:
    """One record: topic, stamp, event, kind, payload; of bytes that are no event only the first two."""

    def __init__(self, record_bytes, topic=None):
        record = pb.Record.FromString(record_bytes)
        self.stamp, self.event_bytes = record.stamp, record.event
        self.topic = topic if topic is not None else self.stamp.topic
        self.event, self.payload = pb.Event(), None
        with contextlib.suppress(DecodeError):  # a reader passes over what is no event
            self.event = pb.Event.FromString(record.event)
            self.payload = getattr(self.event, self.event.WhichOneof("payload") or "", None)
        self.kind = self.event.kind

    def __repr__(self):
        return f"<{self.topic} seq={self.stamp.seq} {str(self.payload)[:300]!r}>"


class Socket:
    """A client's socket; `key` (tip_harness.Key) makes it a CURVE one."""

    def __init__(self, kind, endpoint, key=None):
        self.endpoint, self.key = endpoint, key
        self.zmq = context.socket(kind)
        self.zmq.linger = 0
        if key:
            self.zmq.curve_publickey = key.public.encode()
            self.zmq.curve_secretkey = key.secret.encode()
            self.zmq.curve_serverkey = key.server.encode()
        self.zmq.connect(endpoint)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.zmq.close()

    def parts(self, timeout_s):
        """The frames of the next message, or None."""
        return self.zmq.recv_multipart() if self.zmq.poll(max(0, int(timeout_s * 1000))) else None


class Sub(Socket):
    """A subscriber of the feed. Everything that came is in `seen`."""

    def __init__(self, endpoint, *prefixes, key=None):
        super().__init__(zmq.SUB, endpoint, key)
        self.zmq.rcvhwm = 0
        self.seen = []
        for prefix in prefixes or ("v1.",):
            self.zmq.subscribe(prefix.encode())

    def synchronise(self, deadline_s=10):
        """Waits for the broker's head, which comes each second: from now on nothing is missed."""
        self.zmq.subscribe(b"v1.bus.head.")
        self.wait(lambda s: s.kind == "bus.head", deadline_s, "bus.head")
        return self

    def receive(self, timeout_s=0):
        """The next record, or None."""
        parts = self.parts(timeout_s)
        if parts is None:
            return None
        topic, record = parts
        self.seen.append(Seen(record, topic.decode()))
        return self.seen[-1]

    def wait(self, wanted, deadline_s=10, what="a record"):
        """The next record for which wanted(seen) is true."""
        end = time.monotonic() + deadline_s
        while True:
            got = self.receive(end - time.monotonic())
            if got is None:
                recent = "\n".join(map(repr, self.seen[-10:]))
                raise AssertionError(f"after {deadline_s} s: {what} did not come; last seen:\n{recent}")
            if wanted(got):
                return got

    def drain(self):
        """What has come and was not received yet."""
        first = len(self.seen)
        while self.receive(0):
            pass
        return self.seen[first:]


class Frames(Socket):
    """A DEALER that speaks Frame: every method a message, for tests of the protocol itself too."""

    def __init__(self, endpoint, key=None):
        super().__init__(zmq.DEALER, endpoint, key)

    def send(self, body=None, **frame):
        """send(hello=pb.Hello(...)); body is the second ZeroMQ frame."""
        self.zmq.send_multipart([pb.Frame(**frame).SerializeToString()] + ([] if body is None else [body]))

    def receive(self, timeout_s=5):
        """(name of the oneof, message, second frame or b""), or None."""
        parts = self.parts(timeout_s)
        if parts is None:
            return None
        frame = pb.Frame.FromString(parts[0])
        name = frame.WhichOneof("body")
        return name, getattr(frame, name), parts[1] if len(parts) > 1 else b""

    def expect(self, *names, timeout_s=5):
        """The next message that is one of names; pings are answered, pongs passed over."""
        end = time.monotonic() + timeout_s
        while True:
            got = self.receive(max(0, end - time.monotonic()))
            assert got is not None, \
                f"{' or '.join(names)} did not come within {timeout_s} s\n{broker_behind(self.endpoint)}"
            if got[0] == "ping":
                self.send(pong=pb.Pong(nonce=got[1].nonce))
            elif got[0] in names:
                return got
            else:
                assert got[0] == "pong", f"wanted {' or '.join(names)}, got {got[0]}: {got[1]}"


def data_entry(topic, tlp, event_bytes):
    return struct.pack("<HBBI", len(topic), tlp, 0, len(event_bytes)) + topic.encode() + event_bytes


class Pub(Frames):
    """A publisher. Keeps what is not acked, and sends it again after a reconnect."""

    def __init__(self, endpoint, name, epoch=None, connect=True, key=None):
        super().__init__(endpoint, key)
        self.name, self.epoch = name, epoch or int(time.time() * 1e6)
        self.next_seq, self.unacked, self.welcome, self.n_welcomes = 1, {}, None, 0
        if connect:
            self.hello()

    def hello(self, timeout_s=10):
        """Opens or resumes the session; returns Welcome."""
        first = min(self.unacked, default=self.next_seq)
        self.send(hello=pb.Hello(version=1, publisher=self.name, epoch=self.epoch, first_unacked=first))
        self.welcomed(self.expect("welcome", timeout_s=timeout_s)[1])
        return self.welcome

    def welcomed(self, welcome):
        """Goes on, or back, to what the broker has."""
        self.welcome, self.n_welcomes = welcome, self.n_welcomes + 1
        self.acked(welcome.durable_pub_seq)
        for seq in sorted(self.unacked):
            self.send_data(seq, [self.unacked[seq]])

    def acked(self, durable):
        self.unacked = {seq: entry for seq, entry in self.unacked.items() if seq > durable}

    def send_data(self, first_seq, entries):
        self.send(b"".join(entries), data=pb.Data(epoch=self.epoch, first_pub_seq=first_seq, n=len(entries)))

    def publish(self, topic, made, tlp=3):
        """Queues and sends one event (an Event or bytes); returns its pub_seq."""
        return self.publish_all([(topic, made)], tlp)

    def publish_all(self, pairs, tlp=3):
        """One DATA of many; returns the last pub_seq."""
        entries = [data_entry(topic, tlp, made if isinstance(made, bytes) else made.SerializeToString())
                   for topic, made in pairs]
        first = self.next_seq
        self.unacked.update(enumerate(entries, first))
        self.next_seq += len(entries)
        self.send_data(first, entries)
        return self.next_seq - 1

    def flush(self, deadline_s=10):
        """Waits until everything is acked; returns the journal's number of the last event."""
        end, seq = time.monotonic() + deadline_s, None
        while self.unacked:
            name, ack, _ = self.expect("ack", "welcome", timeout_s=end - time.monotonic())
            if name == "welcome":
                self.welcomed(ack)
                continue
            assert ack.epoch == self.epoch, ack
            self.acked(ack.durable_pub_seq)
            seq = ack.seq
        return seq

    def live(self, topic, made, tlp=3):
        self.send(data_entry(topic, tlp, made.SerializeToString()), live=pb.Live(publisher=self.name, n=1))


class Fetch(Frames):
    """A reader of the journal; without a consumer name it holds nothing back."""

    def __init__(self, endpoint, consumer="", key=None):
        super().__init__(endpoint, key)
        self.consumer, self.request = consumer, 0

    def fetch(self, from_seq=0, journal_id=b"", committed_seq=0, prefixes=(), max_events=0, max_wait_ms=0,
              max_bytes=4 << 20, timeout_s=10):
        """(name, answer, list of Seen) of one FETCH."""
        self.request += 1
        self.send(fetch=pb.Fetch(consumer=self.consumer, journal_id=journal_id, from_seq=from_seq,
                                 committed_seq=committed_seq, prefixes=prefixes, max_events=max_events,
                                 max_wait_ms=max_wait_ms, max_bytes=max_bytes, request=self.request))
        while True:
            try:
                name, answer, body = self.expect("batch", "trimmed", "new_journal", "damaged", "refused",
                                                 timeout_s=timeout_s)
            except AssertionError as error:
                raise AssertionError(f"{self.doubt()}\n{error}") from error
            if name == "refused" or answer.request == self.request:
                return name, answer, list(self.records(answer, body)) if name == "batch" else []

    def doubt(self):
        """No answer came. Was the question lost, or this connection, or is it the broker?"""
        said = []
        for what, peer in (("this", self), ("a new", Frames(self.endpoint, self.key))):
            for question in ({"ping": pb.Ping(nonce=7)}, {"fetch": pb.Fetch(from_seq=1, max_events=1, request=1 << 40)}):
                start = time.monotonic()
                peer.send(**question)
                got = peer.receive(2)
                said.append(f"{next(iter(question))} on {what} connection: {got[0] if got else 'no answer'} after "
                            f"{time.monotonic() - start:.3f} s")
            if peer is not self:
                peer.close()
        return "\n".join(["no answer to fetch; asked once more:", *said])

    @staticmethod
    def records(batch, body):
        at = 0
        for _ in range(batch.n):
            (size,) = struct.unpack_from("<I", body, at)
            yield Seen(body[at + 4:at + 4 + size])
            at += 4 + size
        assert at == len(body), "bytes after the last record of a batch"

    def all(self, *prefixes, from_seq=0):
        """Everything that stands in the journal now, in order."""
        seen = []
        while True:
            name, answer, records = self.fetch(from_seq=from_seq, prefixes=prefixes)
            assert name == "batch", f"{name}: {answer}"
            seen += records
            from_seq = answer.next_seq
            if from_seq > answer.head_seq:
                return seen


class Caller(Frames):
    """Asks the service behind a queue, as "test"; with a key (that of `tip`) as an instance of it."""

    def __init__(self, endpoint, key=None):
        super().__init__(endpoint, key)
        self.name = "tip.test" if key else "test"

    def put(self, queue, body, deadline_s=10, call_id=None, caller=None):
        """Repeats the call until it is answered: (failure code or 0, reason, body)."""
        call_id, end = call_id or os.urandom(16), time.monotonic() + deadline_s
        while True:
            left_s = end - time.monotonic()
            assert left_s > 0, f"no answer to {queue} within {deadline_s} s"
            self.send(put=pb.Put(id=call_id, queue=queue, body=body, deadline_ms=int(left_s * 1000),
                             caller=caller or self.name))
            got = self.answer(call_id, min(left_s, 2))
            if got and not (got[0] == "failed" and got[1].code == pb.FAILURE_NO_WORKER and left_s > 0.2):
                break
            time.sleep(0.05)
        return (0, "", got[1].body) if got[0] == "result" else (got[1].code, got[1].reason, b"")

    def answer(self, call_id, timeout_s):
        end = time.monotonic() + timeout_s
        while (got := self.receive(max(0, end - time.monotonic()))) is not None:
            if got[0] in ("result", "failed") and got[1].id == call_id:
                return got
        return None

    def control(self, service, action, target="", deadline_s=10, call_id=None, params=None, **fields):
        """An operator's action; returns ControlAnswer."""
        fields = {"actor": "tester", "reason": "test", **fields}
        request = pb.ControlRequest(action=action, target=target, params=params or {}, **fields)
        code, reason, body = self.put(f"control.{service}", request.SerializeToString(), deadline_s, call_id)
        assert code == 0, f"control.{service} {action} {target}: {reason} ({code})"
        return pb.ControlAnswer.FromString(body)

    def query(self, name, limit=0, deadline_s=10, **params):
        """store.query as a list of dicts of texts."""
        return self.rows("store.query", pb.StoreQuery(name=name, params=params, limit=limit), deadline_s)[0]

    def bus(self, name, limit=0, deadline_s=10, caller=None):
        """bus.query, what the broker says of itself: a list of dicts of values by their types."""
        rows, columns = self.rows("bus.query", pb.StoreQuery(name=name, limit=limit), deadline_s, caller)
        read = {pb.COLUMN_INT: int, pb.COLUMN_REAL: float, pb.COLUMN_BOOL: lambda text: text == "true"}
        types = {column.name: read.get(column.type, str) for column in columns}
        return [{n: None if text is None else types[n](text) for n, text in row.items()} for row in rows]

    def rows(self, queue, request, deadline_s, caller=None):
        code, reason, body = self.put(queue, request.SerializeToString(), deadline_s, caller=caller)
        assert code == 0, f"{queue} {request.name}: {reason} ({code})"
        answer = pb.StoreAnswer.FromString(body)
        names = [column.name for column in answer.columns]
        return [{n: None if c.is_null else c.text for n, c in zip(names, row.cells)}
                for row in answer.rows], answer.columns


class Worker(Frames):
    """Serves a queue, one job at a time: for tests in which the real owner is not there."""

    def __init__(self, endpoint, queue, name="test", key=None):
        super().__init__(endpoint, key)
        self.queue, self.name = queue, name
        self.take()

    def take(self):
        self.send(take=pb.Take(queue=self.queue, credit=1, worker=self.name))

    def job(self, timeout_s=10):
        """The next Job; asks again when the broker was not there yet."""
        end = time.monotonic() + timeout_s
        while True:
            assert time.monotonic() < end, f"no job on {self.queue} within {timeout_s} s"
            got = self.receive(min(1.0, max(0, end - time.monotonic())))
            if got is None:
                self.take()
            elif got[0] == "job":
                return got[1]
            elif got[0] == "ping":
                self.send(pong=pb.Pong(nonce=got[1].nonce))

    def done(self, job, body):
        self.send(done=pb.Done(id=job.id, attempt=job.attempt, body=body))
        self.take()

    def fail(self, job, reason, code):
        self.send(fail=pb.Fail(id=job.id, attempt=job.attempt, reason=reason, code=code))
        self.take()
