"""Names that lead where a test says: a service with its own /etc/hosts, which asks nobody else for names."""
from unittest import mock

import tip_harness

MOUNT = 'mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/nsswitch.conf && shift && exec "$@"'


class Hosts:
    """The system's files of names for what start() starts; without the right to mount them it does not start at all."""

    def __init__(self, site, text):
        self.hosts, self.order = site.dir / "hosts", site.dir / "nsswitch.conf"
        self.order.write_text("hosts: files\n")  # no DNS: what is not in the file is no name
        self.order.chmod(0o644)
        self.write(text)

    def write(self, text):
        """Holds for what runs, too."""
        self.hosts.write_text("127.0.0.1 localhost\n" + text)
        self.hosts.chmod(0o644)

    def start(self, service):
        drop = tip_harness.drop
        with mock.patch.object(tip_harness, "drop", lambda argv, env=None: [
                "unshare", "-m", "sh", "-c", MOUNT, str(self.hosts), str(self.order), *drop(argv, env)]):
            service.start()
