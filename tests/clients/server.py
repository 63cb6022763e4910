"""A server to talk to: made, started, stopped."""

import contextlib
import imaplib
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

BINARY = None  # set by run.py

HOST = "localhost"
USER = "robin@example.org"
PASSWORD = "kettle 'of' \"sea\" \\ water"

# How long anything may take before the test fails, and how often we look where nobody tells us, in seconds. What works
# takes a fraction of it, also on a busy machine.
PATIENCE = 120
LOOK_AGAIN = 0.05

# Below the ports that the kernel gives to whoever connects to somewhere (net.ipv4.ip_local_port_range): nobody takes one
# by chance between our probe and the server's start, or while the server is stopped.
PORTS = range(16_384, 32_768)

# Messages of 200 kB and long lines are part of the corpus; imaplib's own limit is for lines.
imaplib._MAXLINE = 50_000_000


def free_ports(count):
    """Ports that nobody has, each another: all are held until the last is known."""
    found = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            port = random.choice(PORTS)
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
    return found


class Server:
    """A data directory with one account, and a process that serves it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gatepost-clients-"))
        self.config = self.folder / "gatepost.toml"
        self.imap, self.imaps = free_ports(2)
        self.process = None
        self.gatepost(
            "init", "--config", self.config, "--data", self.folder / "data", "--hostname", HOST,
            "--imap", f"127.0.0.1:{self.imap}", "--imaps", f"127.0.0.1:{self.imaps}",
        )
        self.gatepost("account", "--config", self.config, "add", USER, "--password-stdin", stdin=PASSWORD + "\n")
        self.ca = next(self.folder.rglob("ca.pem"))

    def gatepost(self, *words, stdin=""):
        done = subprocess.run(
            [BINARY, *map(str, words)], input=stdin, capture_output=True, text=True, timeout=PATIENCE
        )
        if done.returncode != 0:
            raise AssertionError(f"gatepost {words[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        self.log = open(self.folder / "log", "ab")
        # The server says READY=1 once every listener is open, as it would to systemd (sd_notify(3)).
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(str(ready))
            told.settimeout(PATIENCE)
            self.process = subprocess.Popen(
                [BINARY, "serve", "--config", self.config],
                stdout=self.log,
                stderr=self.log,
                env={**os.environ, "NOTIFY_SOCKET": str(ready)},
            )
            try:
                assert told.recv(64) == b"READY=1"
            except TimeoutError:
                raise AssertionError("the server did not start:\n" + self.read_log()) from None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        self.log.close()
        if status != 0:
            raise AssertionError(f"the server ended with {status}:\n" + self.read_log())

    def read_log(self):
        return (self.folder / "log").read_text(errors="replace")

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def context(self):
        """TLS that trusts this server's authority and no other."""
        return ssl.create_default_context(cafile=str(self.ca))

    @contextlib.contextmanager
    def session(self):
        """A signed-in imaplib session."""
        imap = imaplib.IMAP4_SSL(HOST, self.imaps, ssl_context=self.context(), timeout=PATIENCE)
        try:
            imap.login(USER, PASSWORD)
            yield imap
        except BaseException:
            # No LOGOUT: its failure would be told instead of what went wrong first.
            imap.shutdown()
            raise
        imap.logout()


class Served(unittest.TestCase):
    """A test class with a running server."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def run(self, result=None):
        """Runs the test; with one that failed goes what there is to tell of it."""
        result = result if result is not None else self.defaultTestResult()
        before = len(result.errors) + len(result.failures)
        super().run(result)
        if len(result.errors) + len(result.failures) > before:
            print(f"\n=== {self.id()} failed", self.story(), "===", sep="\n", file=sys.stderr)
        return result

    def story(self):
        """The end of the server's log."""
        return "\n".join(["--- the server's log", *self.server.read_log().splitlines()[-50:]])

    def logs(self, pattern):
        """Waits until the server's log has this: what is told of a session's end is told after its client is gone."""
        self.eventually(lambda: re.search(pattern, self.server.read_log()))

    def eventually(self, look):
        """What a look finds, once it finds something: for what happens without telling us."""
        deadline = time.monotonic() + PATIENCE
        while not (found := look()):
            self.assertLess(time.monotonic(), deadline, f"not within {PATIENCE} s")
            time.sleep(LOOK_AGAIN)
        return found

    def ok(self, answer):
        """The data of an answer that must be OK."""
        status, data = answer
        self.assertEqual(status, "OK", data)
        return data

    def append(self, imap, mailbox, message, flags=None, date=None):
        """APPEND octet by octet: imaplib's own append turns bare CR and LF into CRLF."""
        imap.literal = message
        return imap._simple_command("APPEND", mailbox, *(word for word in (flags, date) if word))

    def flags(self, imap, uid):
        """The flags of a message, `\\Recent` aside."""
        about = self.ok(imap.uid("FETCH", str(uid), "(FLAGS)"))[0].decode()
        return set(about.partition("FLAGS (")[2].partition(")")[0].split()) - {r"\Recent"}

    def bodies(self, imap, wanted="1:*"):
        """UID to octets, of the selected mailbox."""
        found = {}
        for item in self.ok(imap.uid("FETCH", wanted, "(BODY.PEEK[])")):
            if isinstance(item, tuple):
                words = item[0].replace(b"(", b" ").split()
                found[int(words[words.index(b"UID") + 1])] = item[1]
        return found
