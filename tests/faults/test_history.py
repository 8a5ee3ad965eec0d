"""The checker is checked: a history in order passes, and each rule finds the one thing that is wrong in another."""
import copy

import pytest

from tip_history import History, Record, Tables, Told, Violation, check, digest
from tip_wire import event, pb

TOPIC = "v1.system.alarm.red."


def body(name, n):
    return f"{name} {n}".encode()


def record(seq, name, pub_seq, epoch=7):
    return Record(seq, name, epoch, pub_seq, digest(body(name, pub_seq)), TOPIC, 3, seq, 1000 + seq)


def good():
    """Two publishers, ten events each, a live and a fetching reader, tables as far as 16."""
    history = History()
    for n in range(1, 21):
        name, pub_seq = ("red", "blue")[n % 2], (n + 1) // 2
        history.send(name, 7, pub_seq, body(name, pub_seq))
        history.journal.steps.append(record(n, name, pub_seq))
        history.bytes[n] = body(name, pub_seq)
    history.ack("red", 7, 9)
    history.ack("blue", 7, 10)
    history.journal.first, history.head = 1, 20
    history.reader("live", dense=False).steps += history.journal.steps[3:7] + history.journal.steps[9:12]
    history.reader("fetch").steps += history.journal.steps
    history.tables.append(Tables(17, [(n, digest(history.bytes[n])) for n in range(1, 17) if n != 5], [5]))
    history.waited("drained", 10, 1.5)
    history.memory.append(("broker", 30 << 20, 64 << 20))
    return history


def test_a_good_history_passes():
    check(good())


def lose(history, seq):
    """From the journal, and so that its numbers stay dense: as if something else had taken its place."""
    history.journal.steps[seq - 1] = history.journal.steps[seq - 1]._replace(name="green", epoch=1, pub_seq=1)


def swap(steps, i, j, *fields):
    a, b = steps[i], steps[j]
    steps[i] = a._replace(**{f: getattr(b, f) for f in fields})
    steps[j] = b._replace(**{f: getattr(a, f) for f in fields})


def i1_lost(h):
    del h.readers[:], h.tables[:]
    lose(h, 5)


def i1_tail(h):
    del h.readers[:], h.tables[:], h.journal.steps[-2:]


def i2_twice(h):
    del h.readers[:], h.tables[:]
    h.journal.steps.append(h.journal.steps[-1]._replace(seq=21, class_seq=21))


def i2_order(h):
    del h.readers[:], h.tables[:]
    swap(h.journal.steps, 2, 4, "pub_seq", "digest")


def i2_bytes(h):
    del h.readers[:], h.tables[:]
    h.journal.steps[4] = h.journal.steps[4]._replace(digest="other")


def i2_epoch(h):
    del h.readers[:], h.tables[:]
    h.journal.steps.append(record(21, "red", 11, epoch=6))


def i2_begins_late(h):
    del h.readers[:], h.tables[:]
    h.send("green", 7, 1, body("green", 1))
    h.send("green", 7, 2, body("green", 2))
    h.journal.steps.append(record(21, "green", 2))


def i3_hole(h):
    h.acked.clear()
    h.journal.steps[:] = [r._replace(seq=r.seq + (r.seq > 18)) for r in h.journal.steps]


def i3_again(h):
    h.acked.clear()
    h.readers[1].steps[11] = h.readers[1].steps[11]._replace(digest="other")


def i3_two_readers_of_what_is_gone(h):
    del h.tables[:]
    h.journal.first = 11
    del h.journal.steps[:10]
    h.readers[0].steps[0] = h.readers[0].steps[0]._replace(digest="other")


def i3_class(h):
    h.journal.steps[9] = h.journal.steps[9]._replace(class_seq=99)


def i3_time(h):
    h.journal.steps[9] = h.journal.steps[9]._replace(commit_us=1)


def i4_gone(h):
    h.acked.clear()
    del h.journal.steps[10:], h.tables[:], h.readers[1]


def i5_missing(h):
    del h.tables[0].events[3]


def i5_twice(h):
    h.tables[0].events.append(h.tables[0].events[3])


def i5_beyond(h):
    h.tables[0].next_seq = 12


def i5_behind(h):
    h.tables[0].next_seq = 18


def i5_bytes(h):
    h.tables[0].events[3] = (h.tables[0].events[3][0], "other")


def listing(version, values, removed=()):
    if version == 1:
        made = event("listing.baseline", source="a", version=1, baseline_id=b"x" * 16, part=1, n_parts=1,
                     entries=[pb.ListingEntry(indicator=pb.Indicator(kind=1, value=v)) for v in values])
    else:
        made = event("listing.delta", source="a", from_version=version - 1, to_version=version, part=1, n_parts=1,
                     added=[pb.ListingEntry(indicator=pb.Indicator(kind=1, value=v)) for v in values],
                     removed=[pb.Indicator(kind=1, value=v) for v in removed])
    return made.SerializeToString()


def with_lists(history):
    events = [listing(1, ["x", "y"]), listing(2, ["z"], ["x"]), listing(3, ["x"])]
    history.bytes.update(enumerate(events, 1))
    for n, made in enumerate(events, 1):
        history.sent[("red", "blue")[n % 2], 7][(n + 1) // 2] = digest(made)
        for steps in (history.journal.steps, history.readers[1].steps):
            steps[n - 1] = steps[n - 1]._replace(digest=digest(made))
        history.tables[0].events[n - 1] = n, digest(made)
    for n in range(4, 21):
        history.bytes[n] = pb.Event().SerializeToString()
    history.tables[0].listings = {("a", 1, "x"): (True, 0, 2), ("a", 1, "y"): (True, 0, 1), ("a", 1, "z"): (True, 0, 1)}
    return history


def test_rows_of_lists_are_folded():
    check(with_lists(good()))


def i5_row(h):
    with_lists(h).tables[0].listings["a", 1, "y"] = (False, 0, 1)


def i5_count(h):
    with_lists(h).tables[0].listings["a", 1, "x"] = (True, 0, 3)


def i6_late(h):
    h.waited("the follower is at the head", 10, None)


def i6_slow(h):
    h.waited("the follower is at the head", 10, 11)


def i7_large(h):
    h.memory.append(("broker", 65 << 20, 64 << 20))


def i8_silent(h):
    del h.readers[1].steps[7]


def i8_told_but_not_all(h):
    del h.readers[1].steps[7:10]
    h.readers[1].steps.insert(7, Told("damaged", 8, 9))


def i8_served(h):
    h.corrupted.append(9)


def i8_false_alarm(h):
    h.acked.clear()
    del h.tables[:], h.readers[:]
    h.journal.steps[8] = Told("damaged", 9, 9)


BAD = [made for name, made in sorted(globals().items()) if name[:1] == "i" and name[1:2].isdigit() and name[2] == "_"]


@pytest.mark.parametrize("spoil", BAD, ids=lambda made: made.__name__)
def test_a_bad_history_is_found(spoil):
    history = copy.deepcopy(good())
    spoil(history)
    with pytest.raises(Violation) as found:
        check(history)
    assert found.value.rule == spoil.__name__[:2].upper(), found.value
    assert any(c.isdigit() for c in str(found.value)), "the first offender is named"


def test_what_the_rules_allow():
    """Trimmed from the front; damage that is told and known; a reader of another journal."""
    history = good()
    history.tables.clear()
    history.journal.first = 9
    del history.journal.steps[:8]
    history.journal.steps[3] = Told("damaged", 12, 12)
    history.corrupted.append(12)
    history.reader("old").steps.append(record(12, "red", 99))
    history.readers[-1].journal_id = b"another"
    check(history)
