"""Debian's Postfix, as docs/guide/lmtp.md sets it up: with a configuration, a queue and ports of its own."""

import contextlib
import os
import pathlib
import shutil
import smtplib
import subprocess
import tempfile
import time
import unittest

from server import PASSWORD, PATIENCE, USER, Served, free_ports
from test_lmtp import LmtpServer

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = mta.example.net
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
smtpd_relay_restrictions = reject_unauth_destination
default_transport = error:there is no other host in this test

# --- what the guide says
virtual_mailbox_domains = example.org
virtual_transport = lmtp:unix:gatepost/lmtp
recipient_delimiter = +
unverified_recipient_reject_code = 550
smtpd_restriction_classes = verified
verified = reject_unverified_recipient
smtpd_recipient_restrictions = check_recipient_access inline:{{{{verified@example.org = verified}}}}

# --- as fast as a test wants it
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
"""

# The services of Debian's master.cf that mail passes through here. The lmtp client is chrooted, as it is there.
MASTER = """\
127.0.0.1:{smtp} inet n - n - - smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
lmtp      unix  -       -       y       -       -       lmtp
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""

SENDER = f"robin+Sent@{USER.partition('@')[2]}"


class Postfix:
    """A mail server that hands mail in over a socket in its queue directory."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gatepost-postfix-"))
        self.folder.chmod(0o755)  # its daemons run as another user
        (self.smtp,) = free_ports(1)
        for name in ["config", "queue", "data", "queue/gatepost"]:
            (self.folder / name).mkdir()
            (self.folder / name).chmod(0o755)
        shutil.chown(self.folder / "data", "postfix")
        shutil.chown(self.folder / "queue/gatepost", group="postfix")
        (self.folder / "queue/gatepost").chmod(0o2750)
        config = self.folder / "config"
        (config / "main.cf").write_text(MAIN.format(folder=self.folder))
        (config / "master.cf").write_text(MASTER.format(smtp=self.smtp))
        for file in config.iterdir():
            file.chmod(0o644)
        self.socket = self.folder / "queue/gatepost/lmtp"
        self.running = False

    def postfix(self, verb):
        command = ["/usr/sbin/postfix", "-c", self.folder / "config", verb]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * PATIENCE,
            env={**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        if done.returncode != 0:
            raise AssertionError(f"postfix {verb} failed:\n{done.stdout}{done.stderr}{self.log()}")

    def start(self):
        self.postfix("start")
        self.running = True

    def remove(self):
        if self.running:
            self.postfix("stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "mail.log").read_text(errors="replace")
        return ""

    def send(self, recipients, message, sender=SENDER):
        with smtplib.SMTP("127.0.0.1", self.smtp) as client:
            return client.sendmail(sender, recipients, message)

    def wait_for(self, words):
        """Waits until a line of its log has all of these words."""
        return until(lambda: next((l for l in self.log().splitlines() if all(w in l for w in words)), None), self.log)


def until(found, what):
    """What `found` finds, once it does."""
    deadline = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < deadline:
        if something := found():
            return something
        time.sleep(0.05)
    raise AssertionError(f"it did not happen:\n{what()}")


def note(subject):
    return f"From: {SENDER}\r\nSubject: {subject}\r\n\r\nText of {subject}\r\n.dot\r\n".encode()


@unittest.skipUnless(os.geteuid() == 0 or os.environ.get("CI") == "true", "Postfix is started by root alone")
class Postman(Served):
    @classmethod
    def setUpClass(cls):
        cls.postfix = Postfix()
        cls.addClassCleanup(cls.postfix.remove)
        cls.server = LmtpServer(socket_group="postfix", socket=cls.postfix.socket, postmaster=USER)
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        cls.postfix.start()

    def account(self, *words, stdin=""):
        return self.server.gatepost("account", "--config", self.server.config, *words, stdin=stdin)

    def arrived(self, subject, mailbox="INBOX"):
        """The message with this subject, once it is there."""
        wanted = f"Subject: {subject}\r\n".encode()

        def find():
            with self.server.session() as imap:
                self.ok(imap.select(mailbox, readonly=True))
                return next((m for m in self.bodies(imap).values() if wanted in m), None)

        return until(find, self.postfix.log)

    def test_mail_arrives(self):
        self.postfix.send([USER], note("arrives"))
        message = self.arrived("arrives")
        lines = message.split(b"\r\n")
        self.assertEqual(lines[0], f"Return-Path: <{SENDER}>".encode())
        self.assertEqual(lines[1], f"Delivered-To: {USER}".encode())
        self.assertIn(b" with LMTP id ", message)
        self.assertTrue(message.endswith(b"Text of arrives\r\n.dot\r\n"), message)
        self.postfix.wait_for([f"to=<{USER}>", "relay=mta.example.net[gatepost/lmtp]", "status=sent (250 2.0.0 "])

    def test_mail_for_a_mailbox_arrives_there(self):
        self.postfix.send([USER.replace("@", "+archive@")], note("kept"))
        self.arrived("kept", "Archive")

    def test_the_postmaster_has_an_account_and_may_be_asked_for(self):
        self.postfix.send(["Postmaster@example.org"], note("to the postmaster"))
        self.assertIn(b"Delivered-To: Postmaster@example.org", self.arrived("to the postmaster"))

    def test_the_sender_hears_of_an_unknown_user(self):
        self.postfix.send(["nobody@example.org"], note("lost"))
        bounce = self.arrived("Undelivered Mail Returned to Sender", "Sent")
        self.assertIn(b"5.1.1", bounce)
        self.assertTrue(bounce.startswith(b"Return-Path: <>\r\n"), bounce)

    def test_an_unknown_user_can_be_refused_at_once(self):
        with self.assertRaises(smtplib.SMTPRecipientsRefused) as refused:
            self.postfix.send(["verified@example.org"], note("verified"))
        ((code, words),) = refused.exception.recipients.values()
        self.assertEqual(code, 550, words)

    def test_mail_for_a_full_account_waits_until_there_is_room(self):
        name = "full@example.org"
        self.account("add", name, "--password-stdin", stdin=PASSWORD + "\n")
        self.account("quota", name, "--messages", "0")
        self.postfix.send([name], note("waits for room"))
        self.postfix.wait_for([f"to=<{name}>", "status=deferred", "452 4.2.2"])
        self.account("quota", name, "--messages", "none")
        self.postfix.postfix("flush")
        self.postfix.wait_for([f"to=<{name}>", "status=sent"])

    def test_mail_waits_for_a_server_that_is_down(self):
        self.server.stop()
        try:
            self.postfix.send([USER], note("patience"))
            self.postfix.wait_for([f"to=<{USER}>", "status=deferred"])
        finally:
            self.server.start()
        self.postfix.postfix("flush")
        self.arrived("patience")
