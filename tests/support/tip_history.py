"""What publishers, readers and tables say they saw, and the eight rules that must hold over all of it whatever failed.

I1  what was acked is in the journal
I2  each publisher's events are in the journal once and in order, as they were sent
I3  numbers are dense and rise, and one number is the same record for every reader and for ever
I4  what was seen, live or fetched, is still in the journal
I5  the tables are the fold of the journal up to their offset, counts too
I6  once the faults end everything arrives within its time
I7  no process passes its memory
I8  what is damaged is told, never served, never passed over

A History is filled while things fail, the journal is read back at the end, and check() raises the first Violation.
"""
import collections
import hashlib

from tip_wire import Fetch, pb

Record = collections.namedtuple("Record", "seq name epoch pub_seq digest topic tlp class_seq commit_us")
# kind: damaged (from_seq, to_seq), trimmed (first available), new_journal (first available)
Told = collections.namedtuple("Told", "kind from_seq to_seq")


def digest(event_bytes):
    """As tip_test_pub and tip_test_fetch write it."""
    return hashlib.blake2b(event_bytes, digest_size=16).hexdigest()[:16]


def class_of(topic):
    return topic.split(".")[1]


class Violation(AssertionError):
    def __init__(self, rule, what):
        super().__init__(f"{rule}: {what}")
        self.rule = rule


class Reader:
    """What one reader got of one journal, in order: Records and Tolds. `dense`: it fetches everything."""

    def __init__(self, name, dense=True):
        self.name, self.dense, self.steps, self.journal_id, self.first = name, dense, [], b"", None

    def got(self, stamp, event_bytes):
        self.steps.append(Record(stamp.seq, stamp.publisher, stamp.epoch, stamp.pub_seq, digest(event_bytes),
                                 stamp.topic, stamp.tlp, stamp.class_seq, stamp.commit_unix_us))

    def told(self, kind, from_seq, to_seq=0):
        self.steps.append(Told(kind, from_seq, to_seq))

    def records(self):
        return [step for step in self.steps if isinstance(step, Record)]

    def damages(self):
        return [step for step in self.steps if isinstance(step, Told) and step.kind == "damaged"]


class Tables:
    """One snapshot of storage's rows: the offset, events and rejects by seq, rows of lists and their counts."""

    def __init__(self, next_seq, events, rejects=(), listings=None):
        self.next_seq, self.events, self.rejects = next_seq, events, rejects  # events: [(seq, digest)], rejects: [seq]
        self.listings = listings  # {(source, kind, value): (listed, flags, n_times)}, or None: not looked at


class History:
    def __init__(self):
        self.sent = collections.defaultdict(dict)  # (name, epoch) -> pub_seq -> digest
        self.acked = collections.Counter()         # (name, epoch) -> highest pub_seq
        self.readers = []
        self.journal = Reader("the journal")
        self.bytes = {}                            # seq -> event, of what the journal holds
        self.head = 0
        self.tables = []                           # snapshots
        self.waits = []                            # (what, limit_s, seconds taken or None)
        self.memory = []                           # (process, bytes, bound)
        self.corrupted = []                        # seqs that cannot be read any more

    # ---- filling it ----

    def send(self, name, epoch, pub_seq, event_bytes):
        self.sent[name, epoch][pub_seq] = digest(event_bytes)

    def ack(self, name, epoch, pub_seq):
        self.acked[name, epoch] = max(self.acked[name, epoch], pub_seq)

    def reader(self, name, dense=True):
        self.readers.append(Reader(name, dense))
        return self.readers[-1]

    def load_publisher(self, name, path):
        """The log of tip_test_pub; a line without its end never was."""
        for line in whole_lines(path):
            what, epoch, pub_seq, *rest = line.split()
            if what == "sent":
                self.sent[name, int(epoch)][int(pub_seq)] = rest[0]
            else:
                self.ack(name, int(epoch), int(pub_seq))

    def load_follower(self, name, path):
        """The lines of tip_test_fetch, in one journal."""
        reader = self.reader(name)
        for line in whole_lines(path):
            words = line.split()
            if words[0] == "journal":
                reader.journal_id = bytes.fromhex(words[1])
            elif words[0] == "break":
                reader.told(words[1], len(reader.steps) and next_of(reader), int(words[2]) - 1)
            else:
                seq, publisher, pub_seq, topic, hash_, epoch, class_seq, tlp, commit_us = words
                reader.steps.append(Record(int(seq), publisher, int(epoch), int(pub_seq), hash_, topic, int(tlp),
                                           int(class_seq), int(commit_us)))
        return reader

    def read_back(self, endpoint, key=None):
        """The whole journal, as a fetch of everything tells it now."""
        self.journal = Reader("the journal")
        with Fetch(endpoint, key=key) as fetch:
            self.head = read_all(fetch, self.journal, self.bytes)
        return self

    def waited(self, what, limit_s, took_s):
        self.waits.append((what, limit_s, took_s))

    def weigh(self, process, bound):
        if process.is_running:
            self.memory.append((process.name, process.rss_bytes(), bound))

    # ---- what several rules ask ----

    def damaged(self, seq):
        return any(told.from_seq <= seq <= told.to_seq for told in self.journal.damages())


def whole_lines(path):
    text = path.read_text() if path.exists() else ""
    return text[:text.rfind("\n") + 1].splitlines()


def next_of(reader):
    last = reader.steps[-1]
    return last.seq + 1 if isinstance(last, Record) else last.to_seq + 1


def read_all(fetch, reader, kept=None, from_seq=0):
    """Fetches to the head: records, damage and trims go to the reader; returns the head."""
    while True:
        name, answer, seen = fetch.fetch(from_seq=from_seq, timeout_s=20)
        if name == "batch":
            reader.journal_id = answer.journal_id
            reader.first = reader.first or answer.first_available
            for one in seen:
                reader.got(one.stamp, one.event_bytes)
                if kept is not None:
                    kept[one.stamp.seq] = one.event_bytes
            from_seq = answer.next_seq
            if from_seq > answer.head_seq:
                return answer.head_seq
        elif name == "damaged":
            reader.first = reader.first or answer.from_seq
            reader.told("damaged", answer.from_seq, answer.to_seq)
            from_seq = answer.to_seq + 1
        else:
            reader.told(name, from_seq, answer.first_available - 1)
            from_seq = answer.first_available


# ---- the rules ----

def fail(rule, what):
    raise Violation(rule, what)


def by_publisher(history):
    """(name, epoch) -> {pub_seq: Record} of the journal."""
    there = collections.defaultdict(dict)
    for record in history.journal.records():
        there[record.name, record.epoch][record.pub_seq] = record
    return there


def excused(history, key, pub_seq, there):
    """Trimmed from the front, or told as damaged: some reader had it under a number that is gone by the rules."""
    lowest = min(there[key], default=None)
    if (history.journal.first or 1) > 1 and (lowest is None or pub_seq < lowest):
        return True
    return any(record.pub_seq == pub_seq and (record.name, record.epoch) == key and history.damaged(record.seq)
               for reader in history.readers for record in reader.records())


def i1_acked_is_in_the_journal(history):
    there = by_publisher(history)
    for key, acked in history.acked.items():
        for pub_seq in sorted(history.sent[key]):
            if pub_seq <= acked and pub_seq not in there[key] and not excused(history, key, pub_seq, there):
                fail("I1", f"{key[0]} epoch {key[1]} pub_seq {pub_seq} was acked (up to {acked}) and is not in the journal")


def i2_once_in_order_as_sent(history):
    position, damage = {}, 0
    for step in history.journal.steps:
        if isinstance(step, Told):
            damage += step.kind == "damaged"
            continue
        epoch, pub_seq, seen = position.get(step.name, (0, 0, 0))
        where = f"{step.name} epoch {step.epoch} pub_seq {step.pub_seq} at seq {step.seq}"
        if step.epoch < epoch:
            fail("I2", f"{where} stands behind epoch {epoch}")
        if step.epoch == epoch and pub_seq and step.pub_seq != pub_seq + 1 and (seen == damage or step.pub_seq <= pub_seq):
            fail("I2", f"{where} stands behind pub_seq {pub_seq}")
        wanted = history.sent.get((step.name, step.epoch))
        if wanted is not None and wanted.get(step.pub_seq) != step.digest:
            fail("I2", f"{where} is {step.digest}, sent was {wanted.get(step.pub_seq)}")
        if wanted and step.epoch > epoch and not damage and history.journal.first == 1 and step.pub_seq != min(wanted):
            fail("I2", f"{where} is the first of its epoch, sent were {min(wanted)} and on")
        position[step.name] = step.epoch, step.pub_seq, damage


def i3_dense_and_the_same_for_all(history):
    records, counters, commit_us, known = history.journal.records(), {}, 0, {}
    damaged = bool(history.journal.damages())
    i8_walk(history.journal, "I3")
    for record in records:
        key = class_of(record.topic), record.tlp
        expected = counters.get(key, record.class_seq if record.seq > 1 and history.journal.first != 1 else 1)
        if record.class_seq != expected and not damaged:
            fail("I3", f"seq {record.seq} has class_seq {record.class_seq} of {key}, expected {expected}")
        if record.commit_us < commit_us:
            fail("I3", f"seq {record.seq} was committed before the one in front of it")
        counters[key], commit_us = record.class_seq + 1, record.commit_us
        known[record.seq] = record, history.journal.name
    for reader in history.readers:
        for record in reader.records():
            if reader.journal_id and reader.journal_id != history.journal.journal_id:
                continue
            other, name = known.setdefault(record.seq, (record, reader.name))
            if other != record:
                fail("I3", f"seq {record.seq} is {record} for {reader.name} and {other} for {name}")


def i4_what_was_seen_is_there(history):
    there, first = {record.seq for record in history.journal.records()}, history.journal.first or 1
    for reader in history.readers:
        if reader.journal_id and reader.journal_id != history.journal.journal_id:
            continue
        for record in reader.records():
            if record.seq >= first and record.seq not in there and not history.damaged(record.seq):
                fail("I4", f"{reader.name} saw seq {record.seq} ({record.name} {record.pub_seq}), which has gone")


def fold(events):
    """Rows of lists after these events in order: (source, kind, value) -> [listed, flags, n_times]."""
    rows, versions, marks = {}, {}, {}

    def put(source, entry, listed):
        key = source, entry.indicator.kind, entry.indicator.value
        row = rows.setdefault(key, [False, 0, 0])
        row[2] += listed and not row[0]
        row[0], row[1] = listed, entry.flags if listed else row[1]
        return key

    for event_bytes in events:
        event = pb.Event.FromString(event_bytes)
        if event.kind == "listing.delta" and versions.get(event.listing_delta.source, 0) < event.listing_delta.to_version:
            delta = event.listing_delta
            for entry in (*delta.added, *delta.changed):
                put(delta.source, entry, True)
            for indicator in delta.removed:
                rows[delta.source, indicator.kind, indicator.value][0] = False
            if delta.part == delta.n_parts:
                versions[delta.source] = delta.to_version
        elif event.kind == "listing.baseline":
            base = event.listing_baseline
            mark = marks.setdefault((base.source, base.baseline_id), set())
            mark.update(put(base.source, entry, True) for entry in base.entries)
            if base.part == base.n_parts:
                versions[base.source] = base.version
                for key, row in rows.items():
                    row[0] = row[0] and (key[0] != base.source or key in mark)
    return {key: tuple(row) for key, row in rows.items()}


def i5_tables(history, tables):
    stored = collections.Counter(seq for seq, _ in tables.events) + collections.Counter(tables.rejects)
    journal = {record.seq: record.digest for record in history.journal.records()}
    for seq in range(1, tables.next_seq):
        if stored[seq] != 1:
            fail("I5", f"seq {seq} stands {stored[seq]} times in the tables, whose offset is {tables.next_seq}")
    beyond = min((seq for seq in stored if seq >= tables.next_seq), default=None)
    if beyond is not None:
        fail("I5", f"seq {beyond} is stored, and the offset is {tables.next_seq}")
    for seq, hash_ in tables.events:
        if journal.get(seq, hash_) != hash_:
            fail("I5", f"seq {seq} is {hash_} in the tables and {journal[seq]} in the journal")
    if tables.listings is not None:
        i5_rows(tables.listings, fold(history.bytes[seq] for seq in range(1, tables.next_seq)))


def i5_rows(found, wanted):
    for key in sorted(found.keys() | wanted.keys()):
        if found.get(key) != wanted.get(key):
            fail("I5", f"{key} is (listed, flags, times) {found.get(key)}, the journal says {wanted.get(key)}")


def i5_tables_are_the_fold(history):
    for tables in history.tables:
        i5_tables(history, tables)


def i6_everything_arrives(history):
    for what, limit_s, took_s in history.waits:
        if took_s is None or took_s > limit_s:
            fail("I6", f"{what}: not within {limit_s} s" + (f" but {took_s:.1f}" if took_s else ""))


def i7_memory_is_bounded(history):
    for name, bytes_, bound in history.memory:
        if bytes_ > bound:
            fail("I7", f"{name} takes {bytes_ >> 20} MiB, its bound is {bound >> 20}")


def i8_walk(reader, rule="I8"):
    """Each step goes on where the one before it ended."""
    expected = None
    for step in reader.steps:
        first = step.seq if isinstance(step, Record) else step.from_seq or step.to_seq + 1
        if expected is not None and first != expected:
            fail(rule, f"{reader.name} went from {expected - 1} to {first} and was told nothing")
        expected = first + 1 if isinstance(step, Record) else step.to_seq + 1


def i8_damage_is_told(history):
    for reader in (history.journal, *history.readers):
        if reader.dense:
            i8_walk(reader)
    for seq in history.corrupted:
        if not history.damaged(seq):
            fail("I8", f"seq {seq} is damaged on the disk and nobody is told")
    if not history.corrupted and history.journal.damages():
        told = history.journal.damages()[0]
        fail("I8", f"{told.from_seq} to {told.to_seq} is told as damaged, and nothing was")


RULES = (i1_acked_is_in_the_journal, i2_once_in_order_as_sent, i3_dense_and_the_same_for_all, i4_what_was_seen_is_there,
         i5_tables_are_the_fold, i6_everything_arrives, i7_memory_is_bounded, i8_damage_is_told)


def check(history, *only):
    """Raises the first Violation; `only`: names of rules, e.g. "I1"."""
    for rule in RULES:
        if not only or rule.__name__[:2].upper() in only:
            rule(history)
