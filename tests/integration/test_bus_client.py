"""Our bus client on the real broker: what a service says of itself, fencing, lost volumes, a broker that stalls."""
import shutil
import time

from tip_harness import BIN, Process, binary, wait_for
from tip_peers import follower, publisher
from tip_tcp_proxy import TcpProxy
from tip_wire import event

SANITIZED = 4 if "asan" in str(BIN) else 1  # what the sanitizer's own memory multiplies bounds by


def test_a_service_says_what_it_is(site, sub):
    service = site.service("scheduler", jobs=[{"name": "x", "module": "test", "deadline": "60s", "every": "1h"}]).start()
    hello = sub.wait(lambda s: s.kind == "system.hello" and s.payload.service == "scheduler")
    assert hello.topic == "v1.system.hello.scheduler."
    assert hello.stamp.seq and hello.stamp.publisher == "scheduler"
    assert hello.payload.pid == service.pid and hello.payload.insecure and not hello.payload.simulated
    beat = sub.wait(lambda s: s.kind == "system.heartbeat" and s.payload.ready)
    assert beat.stamp.seq == 0, "heartbeats are not in the journal"
    assert beat.payload.rss_bytes > 1 << 20 and beat.payload.uptime_ms > 0
    assert service.metric("tip_bus_up") == 1
    assert service.metric("tip_bus_acked_total") >= 1
    wait_for(lambda: service.metric("tip_outbox_events") == 0, 20, "the outbox is empty")
    assert service.term() == 0
    assert sub.wait(lambda s: s.kind == "system.goodbye").payload.service == "scheduler"


def test_readiness_follows_the_broker(site, broker):
    service = site.service("scheduler", jobs=[{"name": "x", "module": "test", "deadline": "60s", "every": "1h"}]).start()
    broker.kill()
    wait_for(lambda: not service.is_ready(), 10, "the service notices")
    assert "the broker does not answer" in service.get("/readyz")[1]
    broker.start()
    wait_for(service.is_ready, 10, "and comes back")


def test_a_subscriber_leaves_a_connection_that_is_dead(site, broker, pub):
    """A middlebox forgets it: neither side is told, but the broker's head is missing."""
    with TcpProxy(site.endpoint("feed")) as line:
        site.config["bus"]["feed"] = line.endpoint
        site.write_config()
        sub = site.add(Process(site, "sub", [binary("tip"), "--config", site.config_path, "sub", "schedule."])).spawn()

        def hears(summary):
            pub.publish("v1.schedule.done.test.", event("schedule.done", run_id=b"r" * 16, module="test", summary=summary))
            pub.flush()
            return summary in sub.log_text()

        wait_for(lambda: hears("before"), 10, "it listens")
        n_lines = line.n_lines
        assert line.forget() == 1
        wait_for(lambda: hears("after"), 40, lambda: f"it listens again: {sub.log_text()[-500:]}")
        assert line.n_lines == n_lines + 1 and "tip: lost" in sub.log_text()
        sub.end()


def test_the_younger_of_two_goes_on(site, broker):
    older = publisher(site, "twin", 100_000_000, outbox="older").spawn()
    wait_for(lambda: older.log_lines("bus.up"), 10, "the older one publishes")
    younger = publisher(site, "twin", 1000, outbox="younger").spawn()
    assert younger.wait() == 0
    assert older.wait() == 3
    assert older.log_lines("bus.fenced")


def test_a_lost_journal_is_told_and_publishing_goes_on(site, broker):
    reader = follower(site).spawn()
    pub = publisher(site, "red", 100_000).spawn()
    wait_for(lambda: len(reader.numbers("red")) > 1000, 10, "some of it is read")
    broker.kill()
    shutil.rmtree(site.data / "broker")
    broker.start()
    assert pub.wait(60) == 0
    wait_for(lambda: reader.numbers("red")[-1:] == [100_000], 20, "the rest is read")
    lines = reader.lines()
    assert len([line for line in lines if line.startswith("journal")]) == 2
    assert [line for line in lines if line.startswith("break")] == ["break new_journal 1"]
    fresh = lines[lines.index("break new_journal 1") + 1:]
    numbers = [int(line.split()[2]) for line in fresh if line.split()[1] == "red"]
    assert numbers == list(range(numbers[0], 100_001)), "what was not acked came again, in order"


def test_a_lost_outbox_begins_a_new_epoch(site, broker, fetch):
    for _ in range(2):
        pub = publisher(site, "red", 100).spawn()
        assert pub.wait() == 0
        shutil.rmtree(pub.outbox)
    seen = [s for s in fetch.all("v1.system.alarm.red.")]
    assert [s.stamp.pub_seq for s in seen] == 2 * list(range(1, 101))
    assert len({s.stamp.epoch for s in seen}) == 2 and seen[0].stamp.epoch < seen[-1].stamp.epoch


def test_a_stalled_broker_stops_the_publisher_within_its_memory(site, broker):
    pub = publisher(site, "red", 400_000, batch=256).spawn()
    wait_for(lambda: pub.log_lines("bus.up"), 10, "it publishes")
    broker.pause()
    time.sleep(4)  # longer than a session waits, and long enough to fill an outbox of 4 MiB
    assert pub.is_running and pub.rss_bytes() < SANITIZED * (64 << 20)
    broker.resume()
    reader = follower(site).spawn()
    assert pub.wait(60) == 0
    wait_for(lambda: len(reader.numbers("red")) >= 400_000, 30, "all of it is read")
    assert reader.numbers("red") == list(range(1, 400_001))
