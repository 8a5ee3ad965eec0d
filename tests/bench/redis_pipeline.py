"""What a collector of one event an entry does, as two programs of python3-redis and psycopg2: a parser that reads a list
line by line, checks each and pushes it as JSON, and an output that takes one event after the other, looks whether it was
there already, and inserts it. Queues and acknowledgement as IntelMQ has them: BRPOPLPUSH, then RPOP when it is done.

    redis_pipeline.py parse SOCKET FILE
    redis_pipeline.py store SOCKET CONNINFO EVENTS EVENTS_A_COMMIT

Each says "ready" once it is connected, and begins when its input ends.
"""
import base64
import datetime
import hashlib
import ipaddress
import json
import sys

import psycopg2
import redis

QUEUE, TAKEN = "store", "store-taken"
TABLE = """create table bench_event (
    id bigserial primary key, observed timestamptz not null, feed text not null, category text not null,
    address inet not null, accuracy real not null, raw text not null, hash text not null);
create index on bench_event (address);
create index on bench_event (observed)"""
INSERT = """insert into bench_event (observed, feed, category, address, accuracy, raw, hash)
values (%s, %s, %s, %s, %s, %s, %s)"""
DEDUP_S = 86400


def begin(queue):
    queue.ping()
    print("ready", flush=True)
    sys.stdin.read()


def parse(path, path_of_list):
    queue = redis.Redis(unix_socket_path=path)
    begin(queue)
    with open(path_of_list, encoding="ascii") as lines:
        for line in lines:
            address = str(ipaddress.ip_address(line.strip()))
            event = {"observed": datetime.datetime.now(datetime.timezone.utc).isoformat(), "feed": "bench",
                     "category": "blacklist", "address": address, "accuracy": 100.0,
                     "raw": base64.b64encode(line.encode()).decode()}
            queue.rpush(QUEUE, json.dumps(event))


def store(path, conninfo, events, a_commit):
    queue = redis.Redis(unix_socket_path=path)
    connection = psycopg2.connect(conninfo)
    begin(queue)
    with connection.cursor() as cursor:
        for i in range(1, events + 1):
            event = json.loads(queue.brpoplpush(QUEUE, TAKEN, timeout=60))
            key = hashlib.sha256(f"{event['feed']} {event['category']} {event['address']}".encode()).hexdigest()
            if queue.set(f"seen:{key}", 1, nx=True, ex=DEDUP_S):
                cursor.execute(INSERT, (event["observed"], event["feed"], event["category"], event["address"],
                                        event["accuracy"], event["raw"], key))
            if i % a_commit == 0 or i == events:
                connection.commit()
            queue.rpop(TAKEN)
    connection.close()


if __name__ == "__main__":
    if sys.argv[1] == "parse":
        parse(*sys.argv[2:])
    else:
        store(*sys.argv[2:4], *map(int, sys.argv[4:]))
