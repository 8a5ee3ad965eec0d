"""The fault matrix, rows of the bus: what fails is a process, a peer, the line or the clock."""
import time

from tip_faults import SMALL, Repeater, Traffic, kill_and_restart, turns
from tip_harness import wait_for
from tip_history import check
from tip_wire import Fetch

TOPIC = "v1.schedule.done.test."


@turns
def test_row01_broker_killed_again_and_again(site, rng, turn):
    broker = site.broker(**SMALL)
    traffic = Traffic(site, ("red", "blue", "green", "white")).start()
    traffic.has_begun()
    for _ in range(30):
        time.sleep(rng.uniform(0.05, 0.3))
        traffic.weigh(broker)
        kill_and_restart(broker, rng, 0.02)
    traffic.check()
