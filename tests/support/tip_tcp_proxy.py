"""A bad line between ZeroMQ peers: everything passes, until a fault is set.

pass       as it comes                          split      in pieces of 1 to 7 bytes
trickle    one byte a second                    blackhole  both sides write, nothing arrives, nothing is closed
deaf       what the peers behind say is not read, so that it stays with them
reset()    every connection ends with RST       half_open() the peers behind see nothing, those in front a close
forget()   what is there says nothing any more, to either side, and stays; what comes is new
"""
import contextlib
import random
import selectors
import socket
import struct
import threading
import time

PIECE = 65536
BUFFER_MAX = 1 << 20


class Line:
    """One connection: two sockets and what waits to be written to each."""

    def __init__(self, front, back):
        self.peer = {front: back, back: front}
        self.waiting = {front: bytearray(), back: bytearray()}
        self.next_s = dict.fromkeys((front, back), 0.0)
        self.front, self.is_forgotten = front, False


class TcpProxy:
    """with TcpProxy("tcp://127.0.0.1:5550", seed) as proxy: connect to proxy.endpoint, set proxy.mode."""

    def __init__(self, endpoint, seed=0, buffer_bytes=0):
        self.buffer_bytes = buffer_bytes  # of the kernel, for what the peers behind say; 0: its own choice
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.target, self.mode, self.n_lines = (host, int(port)), "pass", 0
        self.rng, self.orders, self.lines, self.stopped = random.Random(seed), [], [], False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped = True
        self.thread.join(10)
        for line in list(self.lines):
            self.close(line)
        self.listener.close()

    def order(self, what):
        """Done by the proxy's own thread; returns once it is done."""
        done = threading.Event()
        self.orders.append((what, done))
        assert done.wait(10), "the proxy has ended"

    def reset(self):
        self.order(self.do_reset)

    def half_open(self):
        self.order(self.do_half_open)

    def forget(self):
        """As a middlebox does that has lost its table; returns how many lines that were."""
        lines = [line for line in self.lines if not line.is_forgotten]
        for line in lines:
            line.is_forgotten = True
        return len(lines)

    # ---- the thread ----

    def run(self):
        with selectors.DefaultSelector() as self.selector:
            self.selector.register(self.listener, selectors.EVENT_READ)
            while not self.stopped:
                for key, mask in self.selector.select(0.02):
                    if key.fileobj is self.listener:
                        self.accept()
                    elif key.data in self.lines and mask & selectors.EVENT_READ:
                        self.read(key.data, key.fileobj)
                for line in list(self.lines):
                    self.write(line)
                while self.orders:
                    what, done = self.orders.pop(0)
                    what()
                    done.set()

    def accept(self):
        front, _ = self.listener.accept()
        back = socket.socket()
        if self.buffer_bytes:
            back.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer_bytes)
        back.settimeout(1)
        try:
            back.connect(self.target)
        except OSError:
            front.close()
            back.close()
            return
        line = Line(front, back)
        for side in line.peer:
            side.setblocking(False)
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(side, selectors.EVENT_READ, line)
        self.lines.append(line)
        self.n_lines += 1

    def read(self, line, side):
        to = line.peer[side]
        is_deaf = self.mode == "deaf" and side is not line.front
        if to is None or is_deaf or len(line.waiting[to]) > BUFFER_MAX:
            time.sleep(0.001)  # backpressure: left in the kernel until there is room
            return
        try:
            data = side.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            line.waiting[to] += data
        else:
            self.close(line)

    def write(self, line):
        now_s, mode = time.monotonic(), "blackhole" if line.is_forgotten else self.mode
        for side, waiting in line.waiting.items():
            while waiting and mode != "blackhole" and line.next_s[side] <= now_s:
                n = {"trickle": 1, "split": self.rng.randrange(1, 8)}.get(mode, len(waiting))
                try:
                    sent = side.send(waiting[:n])
                except BlockingIOError:
                    break
                except OSError:
                    self.close(line)
                    return
                del waiting[:sent]
                line.next_s[side] = now_s + 1 if mode == "trickle" else 0

    def close(self, line):
        for side in line.peer:
            with contextlib.suppress(KeyError, ValueError):
                self.selector.unregister(side)
            side.close()
        if line in self.lines:
            self.lines.remove(line)

    def do_reset(self):
        for line in list(self.lines):
            for side in line.peer:
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close(line)

    def do_half_open(self):
        """Whoever connected is told; the other side keeps a connection that will never say anything again."""
        for line in self.lines:
            if line.peer.get(line.front):
                back = line.peer[line.front]
                self.selector.unregister(line.front)
                self.selector.unregister(back)
                line.front.close()
                line.peer, line.waiting = {back: None}, {}
