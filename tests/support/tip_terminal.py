"""A program on a terminal of its own: what it shows, the keys that are pressed, the state it leaves behind."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from tip_harness import clean_environment, drop

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
SETTINGS = slice(0, 4)  # of termios: input, output, control and local modes


class Terminal:
    """argv[0] is a path. `raw` is everything that came."""

    def __init__(self, site, argv, columns=80, lines=24, env=None):
        self.main, self.side = pty.openpty()
        self.resize(columns, lines)
        self.before = termios.tcgetattr(self.side)[SETTINGS]
        environment = clean_environment(TERM="xterm", LANG="C.UTF-8", **(env or {}))
        self.popen = subprocess.Popen(drop(argv), cwd=site.dir, stdin=self.side, stdout=self.side, stderr=self.side,
                                      env=environment, start_new_session=True, preexec_fn=self.control)
        self.raw = ""

    def control(self):
        fcntl.ioctl(self.side, termios.TIOCSCTTY, 0)

    def resize(self, columns, lines):
        fcntl.ioctl(self.side, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, timeout_s=0.05):
        while select.select([self.main], [], [], timeout_s)[0]:
            self.raw += os.read(self.main, 65536).decode("utf-8", "replace")
            timeout_s = 0

    def screen(self):
        """The last page that was drawn whole, as lines without escapes."""
        self.read()
        pages = self.raw.split("\x1b[H")
        whole = [page for page in pages[1:] if "\x1b[J" in page]
        return [ESCAPE.sub("", line).rstrip("\r") for line in whole[-1].split("\x1b[J")[0].split("\n")] if whole else []

    def shows(self, *texts, deadline_s=15):
        """Waits until all of texts stand on one screen; returns its lines."""
        end = time.monotonic() + deadline_s
        while True:
            lines = self.screen()
            if lines and all(any(text in line for line in lines) for text in texts):
                return lines
            assert time.monotonic() < end, f"{texts} not shown:\n" + "\n".join(lines) + f"\n{self.raw[-2000:]!r}"
            assert self.popen.poll() is None, f"it ended with {self.popen.returncode}: {self.raw[-2000:]!r}"

    def press(self, keys):
        os.write(self.main, keys.encode())

    def wait(self, deadline_s=10):
        code = self.popen.wait(deadline_s)
        self.read()
        return code

    def is_restored(self):
        """Modes as before, the cursor shown, the main screen back."""
        self.read()
        shown = self.raw.rfind("\x1b[?25h") > self.raw.rfind("\x1b[?25l")
        main = self.raw.rfind("\x1b[?1049l") > self.raw.rfind("\x1b[?1049h")
        return termios.tcgetattr(self.side)[SETTINGS] == self.before and shown and main

    def close(self):
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()
        os.close(self.main)
        os.close(self.side)
