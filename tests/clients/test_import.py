"""Mail that comes from a real Dovecot: over IMAP, and from the Maildir that it leaves."""

import contextlib
import imaplib
import itertools
import json
import os
import pathlib
import pty
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import corpus
from server import BINARY, HOST, PATIENCE, Served, free_ports

PASSWORD = "kettle-of-sea-water"

CONFIG = """\
protocols = imap
base_dir = {folder}/run
log_path = /dev/stderr
ssl = required
ssl_cert = <{cert}
ssl_key = <{key}
mail_location = maildir:{folder}/mail/Maildir
maildir_copy_with_hardlinks = no
first_valid_uid = 1
first_valid_gid = 1
auth_mechanisms = plain
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail
}}
namespace inbox {{
  inbox = yes
  prefix = INBOX.
  separator = .
  mailbox "Sent Items" {{
    special_use = \\Sent
    auto = subscribe
  }}
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {imaps}
    ssl = yes
  }}
}}
"""

# Who owns its mail: nobody, who owns nothing else.
UID = GID = 65534


class Dovecot:
    """A Dovecot in a directory of its own, with the certificate of one of our servers."""

    def __init__(self, ours):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.folder.chmod(0o755)
        self.imap, self.imaps = free_ports(2)
        self.ca = ours.ca
        (self.folder / "mail").mkdir()
        os.chown(self.folder / "mail", UID, GID)
        config = self.folder / "dovecot.conf"
        tls = ours.ca.parent
        config.write_text(
            CONFIG.format(
                folder=self.folder, cert=tls / "server.pem", key=tls / "server-key.pem", password=PASSWORD,
                uid=UID, gid=GID, imap=self.imap, imaps=self.imaps,
            )
        )
        self.process = subprocess.Popen(["dovecot", "-F", "-c", config], stderr=subprocess.PIPE, text=True)
        # It listens before it says so. What it says later is read on, so that it never waits for us.
        said = ""
        while "starting up" not in said:
            line = self.process.stderr.readline()
            if not line:
                self.remove()
                raise AssertionError("Dovecot did not start:\n" + said)
            said += line
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def session(self):
        context = ssl.create_default_context(cafile=str(self.ca))
        imap = imaplib.IMAP4_SSL(HOST, self.imaps, ssl_context=context)
        imap.login("robin", PASSWORD)
        return imap

    def remove(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        shutil.rmtree(self.folder, ignore_errors=True)


def messages():
    """Difficult ones; those of the corpus too where it is. Without NULs, which Dovecot has otherwise on the disk than
    on the wire, and we do not take at all."""
    difficult = itertools.chain(corpus.demo(), corpus.torture() if corpus.missing() is None else [])
    return ((name, octets) for name, octets in difficult if b"\0" not in octets)


class Progress(Served):
    """Bars on a terminal, and nowhere else."""

    def imported(self, *words, terminal):
        """What an import of an mbox says on standard error: a terminal, or a pipe."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="progress-"))
        self.addCleanup(shutil.rmtree, folder)
        mbox = folder / "Tides"
        mbox.write_text("".join(f"From x\nSubject: {number}\n\nText.\n\n" for number in range(300)))
        name = f"progress-{folder.name.lower()}@example.org"
        self.server.gatepost(
            "account", "--config", self.server.config, "add", name, "--password-stdin", stdin=PASSWORD + "\n"
        )
        near, far = pty.openpty() if terminal else os.pipe()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
        process = subprocess.Popen(
            [BINARY, "import", "--config", self.server.config, "mbox", name, folder, *words],
            stdout=subprocess.PIPE, stderr=far, text=True, env=environment,
        )
        os.close(far)
        said = b""
        # The other end of a terminal that is closed is an error on Linux, and of a pipe the end.
        with contextlib.suppress(OSError):
            while piece := os.read(near, 4096):
                said += piece
        os.close(near)
        told, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("300", told)
        return said.decode()

    def test_a_terminal_sees_bars(self):
        said = self.imported(terminal=True)
        self.assertIn("Tides", said)
        self.assertRegex(said, r"\d+/300, .* to go")
        # They are gone at the end: the last line is cleared.
        self.assertTrue(said.rstrip().endswith("\x1b[2K") or "\x1b[2K" in said[said.rindex("to go"):], repr(said[-80:]))

    def test_a_pipe_and_a_program_see_none(self):
        self.assertEqual(self.imported(terminal=False), "")
        self.assertEqual(self.imported("--json", terminal=True), "")
        self.assertEqual(self.imported("--json", terminal=False), "")


@unittest.skipUnless(os.getuid() == 0 or os.environ.get("CI") == "true", "Dovecot wants to be started by root")
class FromDovecot(Served):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dovecot = Dovecot(cls.server)
        cls.addClassCleanup(cls.dovecot.remove)

    def account(self, name):
        self.server.gatepost(
            "account", "--config", self.server.config, "add", name, "--password-stdin", stdin=PASSWORD + "\n"
        )
        return name

    def bring(self, *words):
        told = self.server.gatepost(
            "import", "--config", self.server.config, *words, "--json", stdin=PASSWORD + "\n"
        )
        report = json.loads(told)
        self.assertEqual(report["verdict"], "complete", told)
        return {folder["mailbox"]: folder for folder in report["folders"]}

    def over_imap(self, name, *words):
        return self.bring(
            "imap", name, "--host", HOST, "--ca-file", self.server.ca, "--user", "robin", "--password-stdin", *words
        )

    def contents(self, imap, mailbox):
        """Flags, date and octets of all messages, in an order of their own."""
        self.ok(imap.select(f'"{mailbox}"', readonly=True))
        found = []
        for item in self.ok(imap.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")):
            if isinstance(item, tuple):
                flags = set(imaplib.ParseFlags(item[0])) - {rb"\Recent"}
                date = item[0].split(b'INTERNALDATE "', 1)[1].split(b'"', 1)[0]
                found.append((sorted(flags), time.mktime(imaplib.Internaldate2tuple(b'INTERNALDATE "%s"' % date)), item[1]))
        return sorted(found)

    def own(self, name):
        imap = imaplib.IMAP4_SSL(HOST, self.server.imaps, ssl_context=self.server.context())
        imap.login(name, PASSWORD)
        return imap

    def test_everything_comes_over_and_then_the_difference(self):
        there = self.dovecot.session()
        count = 0
        for number, (_, octets) in enumerate(messages()):
            flags = r"(\Seen $Forwarded)" if number % 3 else r"(\Flagged Work)"
            date = f'"{number % 28 + 1:2}-Jul-2001 02:44:25 -0700"'
            status, _ = self.append(there, "INBOX", octets, flags, date)
            count += status == "OK"
        self.assertGreater(count, 10)
        for mailbox in ["INBOX.Lists.Tides", "INBOX.Entw&APw-rfe"]:
            self.ok(there.create(f'"{mailbox}"'))
            self.ok(self.append(there, f'"{mailbox}"', b"Subject: here\r\n\r\nText.\r\n"))
        self.ok(self.append(there, '"INBOX.Sent Items"', b"Subject: sent\r\n\r\nText.\r\n", r"(\Seen)"))

        name = self.account("from-dovecot@example.org")
        report = self.over_imap(name, "--port", self.dovecot.imaps)
        self.assertEqual(report["INBOX"]["imported"], count)
        self.assertEqual(report["Sent"]["at_source"], "INBOX.Sent Items")
        places = [
            ("INBOX", "INBOX"), ("INBOX.Lists.Tides", "Lists/Tides"), ("INBOX.Entw&APw-rfe", "Entw&APw-rfe"),
            ("INBOX.Sent Items", "Sent"),
        ]
        own = self.own(name)
        for far, near in places:
            self.assertEqual(self.contents(own, near), self.contents(there, far), near)

        # One more, one changed; nothing else moves. STARTTLS leads to another port: what is there is found.
        self.ok(there.select("INBOX"))
        self.ok(there.uid("STORE", "1", "+FLAGS", r"(\Answered)"))
        self.ok(self.append(there, "INBOX", b"Subject: new\r\n\r\nText.\r\n"))
        report = self.over_imap(name, "--port", self.dovecot.imaps)
        told = [report["INBOX"][key] for key in ["imported", "already_here", "flags_updated"]]
        self.assertEqual(told, [1, count, 1])
        report = self.over_imap(name, "--port", self.dovecot.imap, "--starttls")
        self.assertEqual([report["INBOX"][key] for key in ["imported", "already_here"]], [0, count + 1])
        self.assertEqual(self.contents(own, "INBOX"), self.contents(there, "INBOX"))

        # The same mail from the disk, into an account of its own.
        name = self.account("from-maildir@example.org")
        report = self.bring("maildir", name, self.dovecot.folder / "mail/Maildir", "--map", "Sent Items=Sent")
        self.assertEqual(report["INBOX"]["imported"], count + 1)
        disk = self.own(name)
        for far, near in places:
            self.assertEqual(self.contents(disk, near), self.contents(there, far), near)
        for imap in [there, own, disk]:
            imap.logout()
