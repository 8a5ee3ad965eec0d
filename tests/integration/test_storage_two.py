"""Two storages of one name: the second stands by, whatever happens to its own connection meanwhile."""
import signal

from tip_harness import wait_for
from tip_tables import Store


def test_a_standby_looks_again_after_its_connection_broke(site, broker, postgres, rng):
    store = Store(site, postgres).start()
    second = store.second().start()
    postgres.signal(signal.SIGQUIT)
    postgres.wait(30)
    wait_for(lambda: second.log_lines("database.away"), 30, "the standby looks, and nobody is there")
    store.service.kill()
    postgres.start()
    wait_for(lambda: second.metric("tip_storage_active") == 1, 30, "the second takes over")
    store.step(rng)
    store.check()
