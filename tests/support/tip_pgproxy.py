"""Between a client and PostgreSQL on unix sockets: swallows answers to COMMIT and cuts the line."""
import os
import pathlib
import selectors
import socket
import threading

from tip_harness import open_to_nobody

COMMIT = b"Q\x00\x00\x00\x0bcommit\x00"  # the simple query "commit"


class PgProxy:
    """lose() is asked at each commit; n_lost counts how often it was true."""

    def __init__(self, path, server, lose):
        self.dir, self.server, self.lose, self.n_lost = open_to_nobody(pathlib.Path(path)), str(server), lose, 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.dir / ".s.PGSQL.5432"))
        os.chmod(self.dir / ".s.PGSQL.5432", 0o777)
        self.listener.listen(16)

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self.server)
            self.exchange(client, server)
        except OSError:
            pass
        finally:
            client.close()
            server.close()

    def exchange(self, client, server):
        with selectors.DefaultSelector() as both:
            both.register(client, selectors.EVENT_READ)
            both.register(server, selectors.EVENT_READ)
            while True:
                for key, _ in both.select():
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    (server if key.fileobj is client else client).sendall(data)
                    if key.fileobj is client and data.endswith(COMMIT) and self.lose():
                        server.recv(1)  # it has happened, and nobody hears of it
                        self.n_lost += 1
                        return
