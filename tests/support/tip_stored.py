"""What a service has stored (LMDB), changed while it is down: a site as a build of before has left it, or as it is after months."""
import contextlib
import ctypes
import json

FIRST, NEXT = 0, 8  # MDB_cursor_op
MAP = 1 << 30

LMDB = ctypes.CDLL("liblmdb.so.0")


class Bytes(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_char_p)]

    def read(self):
        return ctypes.string_at(ctypes.cast(self.data, ctypes.c_void_p), self.size)


def of(raw):
    return ctypes.byref(Bytes(len(raw), raw))


def call(name, *args):
    code = getattr(LMDB, name)(*args)
    assert code == 0, f"{name}: {code}"


class Store:
    """One transaction."""

    def __init__(self, txn):
        self.txn = txn

    def table(self, name):
        dbi = ctypes.c_uint()
        call("mdb_dbi_open", self.txn, f"t.{name}".encode(), 0, ctypes.byref(dbi))
        return dbi

    def items(self, table):
        """{key: value}, as bytes."""
        cursor, key, value, at, found = ctypes.c_void_p(), Bytes(), Bytes(), FIRST, {}
        call("mdb_cursor_open", self.txn, self.table(table), ctypes.byref(cursor))
        while LMDB.mdb_cursor_get(cursor, ctypes.byref(key), ctypes.byref(value), at) == 0:
            found[key.read()] = value.read()
            at = NEXT
        LMDB.mdb_cursor_close(cursor)
        return found

    def put(self, table, key, value):
        call("mdb_put", self.txn, self.table(table), of(key), of(value), 0)

    def delete(self, table, key):
        call("mdb_del", self.txn, self.table(table), of(key), None)

    def change(self, table, change):
        """Of tables of JSON: change(object) changes each."""
        for key, value in self.items(table).items():
            made = json.loads(value)
            change(made)
            self.put(table, key, json.dumps(made).encode())


@contextlib.contextmanager
def stored(service):
    """The state of a service that is down."""
    env, txn = ctypes.c_void_p(), ctypes.c_void_p()
    call("mdb_env_create", ctypes.byref(env))
    call("mdb_env_set_mapsize", env, ctypes.c_size_t(MAP))
    call("mdb_env_set_maxdbs", env, 32)
    call("mdb_env_open", env, str(service.site.data / service.name / "outbox").encode(), 0, 0o600)
    try:
        call("mdb_txn_begin", env, None, 0, ctypes.byref(txn))
        yield Store(txn)
        call("mdb_txn_commit", txn)
    finally:
        LMDB.mdb_env_close(env)
