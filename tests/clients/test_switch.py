"""From Dovecot to Gatepost under the same name: mbsync goes on, and loads nothing again."""

import imaplib
import os
import re
import subprocess
import unittest

import server
import test_import
from test_mbsync import CONFIG, note
from server import HOST, USER, Served

# 2007.
OLD = 1_173_189_136
# Commands by which octets of messages go one way or the other, in mbsync's record of what it says.
BODIES = re.compile(r">>> \d+ (.*(?:BODY|RFC822(?!\.SIZE)|APPEND).*)")


@unittest.skipUnless(os.getuid() == 0 or os.environ.get("CI") == "true", "Dovecot wants to be started by root")
class Switch(Served):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dovecot = test_import.Dovecot(cls.server)
        cls.addClassCleanup(cls.dovecot.remove)

    def sync(self, port, user, password):
        """One run against a server; what mbsync says to it and hears."""
        (self.folder / "password").write_text(password)
        config = self.folder / "config"
        config.write_text(
            CONFIG.format(host=HOST, port=port, user=user, folder=self.folder, tls="IMAPS", ca=self.server.ca)
        )
        done = subprocess.run(
            ["mbsync", "-Dn", "-c", config, "-a"], capture_output=True, text=True, errors="replace", timeout=300
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(">>> ", done.stdout, "what is said is not shown")
        return done.stdout

    def with_dovecot(self):
        return self.sync(self.dovecot.imaps, "robin", test_import.PASSWORD)

    def with_gatepost(self):
        return self.sync(self.server.imaps, USER, server.PASSWORD)

    def near(self, mailbox):
        """Subject to file, of a Maildir."""
        found = {}
        for place in ["cur", "new"]:
            for file in (self.folder / "mail" / mailbox / place).iterdir():
                subject = next(line for line in file.read_bytes().splitlines() if line.startswith(b"Subject: "))
                found[subject[9:].decode()] = file
        return found

    def far(self, imap, mailbox):
        """UIDVALIDITY, UIDNEXT, and (UID, flags, octets) of each message."""
        status = self.ok(imap.status(mailbox, "(UIDVALIDITY UIDNEXT)"))[0]
        numbers = [re.search(name + rb" (\d+)", status)[1] for name in (b"UIDVALIDITY", b"UIDNEXT")]
        self.ok(imap.select(mailbox, readonly=True))
        messages = []
        for item in self.ok(imap.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")):
            if isinstance(item, tuple):
                flags = re.search(rb"FLAGS \(([^)]*)\)", item[0])[1].split()
                uid = int(re.search(rb"UID (\d+)", item[0])[1])
                messages.append((uid, sorted(set(flags) - {rb"\Recent"}), item[1]))
        return numbers, messages

    def an_old_inbox(self):
        """An INBOX from long ago: its UIDVALIDITY is none that we make today."""
        root = self.dovecot.folder / "mail/Maildir"
        for part in ["cur", "new", "tmp"]:
            (root / part).mkdir(parents=True)
        (root / "dovecot-uidlist").write_text(f"3 V{OLD} N1001 G3085f01b7f11094c501100008c4a11c1\n")
        for path in [root, *root.iterdir()]:
            os.chown(path, test_import.UID, test_import.GID)

    def doveadm(self, *words, stdin=""):
        usual, config = (self.dovecot.folder / name for name in ["dovecot.conf", "mdbox.conf"])
        text = re.sub("mail_location = .*", f"mail_location = mdbox:{self.dovecot.folder}/mail/mdbox", usual.read_text())
        config.write_text(text)
        # With a prefix of that name, `doveadm backup` takes INBOX for a mailbox that is to be deleted first.
        words = ["doveadm", "-c", config, "-o", "namespace/inbox/prefix=", *words]
        done = subprocess.run(list(map(str, words)), input=stdin, capture_output=True, text=True, timeout=server.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_mdbox_comes_by_way_of_a_maildir_with_its_uids(self):
        for number in range(1, 6):
            self.doveadm("save", "-u", "mia", "-m", "INBOX", stdin=f"Subject: {number}\r\n\r\nText.\r\n")
        self.doveadm("expunge", "-u", "mia", "mailbox", "INBOX", "uid", "2,5")
        self.doveadm("flags", "add", "-u", "mia", r"\Flagged Work", "mailbox", "INBOX", "uid", "3")
        numbers = self.doveadm("mailbox", "status", "-u", "mia", "uidvalidity uidnext", "INBOX").split()[1:]
        maildir = self.dovecot.folder / "mail/backup"
        self.doveadm("backup", "-u", "mia", f"maildir:{maildir}")
        config = ["--config", self.server.config]
        name = "mia@example.org"
        self.server.gatepost("account", *config, "add", name, "--password-stdin", stdin=server.PASSWORD + "\n")
        self.server.gatepost("import", *config, "maildir", name, maildir)
        with imaplib.IMAP4_SSL(HOST, self.server.imaps, ssl_context=self.server.context()) as here:
            here.login(name, server.PASSWORD)
            (uidvalidity, uidnext), messages = self.far(here, "INBOX")
        self.assertEqual(sorted(numbers), [f"uidnext={uidnext.decode()}", f"uidvalidity={uidvalidity.decode()}"])
        flags = [(uid, flags) for uid, flags, _ in messages]
        self.assertEqual(flags, [(1, []), (3, [b"Work", rb"\Flagged"]), (4, [])])

    def test_no_message_body_goes_either_way_and_flags_go_both(self):
        self.folder = self.server.folder / "switch"
        (self.folder / "mail").mkdir(parents=True)
        self.an_old_inbox()
        there = self.dovecot.session()
        for number in range(1, 41):
            flags = [None, r"(\Seen)", r"(\Seen $Forwarded)", r"(\Flagged Work)"][number % 4]
            self.ok(self.append(there, "INBOX", note(number), flags, f'"{number % 28 + 1:2}-Jul-2001 02:44:25 -0700"'))
        for mailbox in ["INBOX.Lists.Tides", "INBOX.Entw&APw-rfe", "INBOX.Empty"]:
            self.ok(there.create(mailbox))
            self.ok(there.subscribe(mailbox))
        for number in range(50, 60):
            self.ok(self.append(there, "INBOX.Lists.Tides", note(number)))
        self.ok(self.append(there, "INBOX.Entw&APw-rfe", note(60), r"(\Draft)"))
        # Gaps, at the end too: their UIDs were given, and may not be given again.
        self.ok(there.select("INBOX"))
        self.ok(there.uid("STORE", "1003,1007:1009,1020,1039:1040", "+FLAGS.SILENT", r"(\Deleted)"))
        self.ok(there.expunge())
        self.assertEqual(len(BODIES.findall(self.with_dovecot())), 44, "it has loaded everything once")

        folders = ["INBOX", "INBOX.Lists.Tides", "INBOX.Entw&APw-rfe", "INBOX.Empty"]
        before = {far.removeprefix("INBOX.").replace(".", "/"): self.far(there, far) for far in folders}
        self.assertEqual(before["INBOX"][0], [b"%d" % OLD, b"1041"])
        there.logout()
        config = ["--config", self.server.config]
        told = self.server.gatepost("import", *config, "maildir", USER, self.dovecot.folder / "mail/Maildir")
        self.assertIn("load nothing again", told)
        with self.server.session() as here:
            self.assertEqual({near: self.far(here, near) for near in before}, before)

        files = sorted(self.near("INBOX").values())
        said = self.with_gatepost()
        self.assertEqual(BODIES.findall(said), [])
        self.assertEqual(sorted(self.near("INBOX").values()), files)
        with self.server.session() as here:
            self.assertEqual({near: self.far(here, near) for near in before}, before)

        # Flags go both ways, and of messages the one that is new.
        with self.server.session() as here:
            self.ok(here.select("INBOX"))
            self.ok(here.uid("STORE", "1012", "+FLAGS", r"(\Answered)"))
            self.ok(self.append(here, "INBOX", note(99)))
        near = self.near("INBOX")
        stem = near["note 4"].name.partition(":2,")[0]
        near["note 4"].rename(self.folder / "mail/INBOX/cur" / f"{stem}:2,FS")
        said = self.with_gatepost()
        self.assertEqual(BODIES.findall(said), ["UID FETCH 1041 (INTERNALDATE BODY.PEEK[])"])
        near = self.near("INBOX")
        self.assertIn("R", near["note 12"].name.rpartition(":2,")[2])
        self.assertIn("note 99", near)
        with self.server.session() as here:
            _, messages = self.far(here, "INBOX")
        flags = {uid: flags for uid, flags, _ in messages}
        self.assertEqual(flags[1004], [rb"\Flagged", rb"\Seen"])
        self.assertEqual(max(flags), 1041)
