"""mbsync, both ways."""

import pathlib
import re
import subprocess

from notes import attached
from server import HOST, PASSWORD, USER, Served

CONFIG = """\
IMAPAccount gatepost
Host {host}
Port {port}
User {user}
PassCmd "cat {folder}/password"
SSLType {tls}
SystemCertificates no
CertificateFile {ca}

IMAPStore far
Account gatepost

MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
CopyArrivalDate yes
"""


def unmarked(octets):
    """Without the line that mbsync adds to what it copies, to know it again if it is interrupted."""
    return re.sub(rb"X-TUID: .{12}\r?\n", b"", octets, count=1)


def here(octets):
    """As it is in a Maildir."""
    return octets.replace(b"\r\n", b"\n")


def note(number):
    return b"From: a@example.org\r\nMessage-ID: <%d@example.org>\r\nSubject: note %d\r\n\r\nText.\r\n" % (number, number)


class Mbsync(Served):
    def configure(self, tls, port):
        folder = self.server.folder / f"{self.id()}-{tls}"
        (folder / "mail").mkdir(parents=True)
        (folder / "password").write_text(PASSWORD)
        config = folder / "config"
        config.write_text(
            CONFIG.format(host=HOST, port=port, user=USER, folder=folder, tls=tls, ca=self.server.ca)
        )
        return folder, config

    def sync(self, config):
        done = subprocess.run(["mbsync", "-c", config, "-a"], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def near(self, folder, mailbox):
        """Subject to (file, flags) of a Maildir."""
        found = {}
        for place in ["cur", "new"]:
            for file in (folder / "mail" / mailbox / place).iterdir():
                subject = next(l for l in file.read_bytes().splitlines() if l.startswith(b"Subject: "))
                flags = file.name.rpartition(":2,")[2] if ":2," in file.name else ""
                found[subject[9:].decode()] = (file, flags)
        return found

    def far(self, mailbox):
        """Subject to the answer's first line (with FLAGS), of a mailbox."""
        found = {}
        with self.server.session() as imap:
            self.ok(imap.select(mailbox))
            answer = self.ok(imap.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        # Flags may stand before the literal or behind it.
        for item, behind in zip(answer, answer[1:] + [b""]):
            if isinstance(item, tuple):
                subject = item[1].split(b": ", 1)[1].strip().decode()
                found[subject] = item[0] + (behind if isinstance(behind, bytes) else b"")
        return found

    def test_both_sides_agree_after_changes_on_both(self):
        folder, config = self.configure("IMAPS", self.server.imaps)
        with self.server.session() as imap:
            for number in range(1, 6):
                self.ok(self.append(imap, "INBOX", note(number), r"(\Seen)" if number == 1 else None))
            self.ok(imap.create('"Work/&AMk-t&AOk-"'))
            self.ok(self.append(imap, '"Work/&AMk-t&AOk-"', note(6)))
        self.sync(config)
        near = self.near(folder, "INBOX")
        self.assertEqual(sorted(near), [f"note {n}" for n in range(1, 6)])
        self.assertIn("S", near["note 1"][1])
        self.assertEqual(list(self.near(folder, "Work/&AMk-t&AOk-")), ["note 6"])

        # There: one flagged, one gone, one new. Here: one seen, one trashed, one new.
        with self.server.session() as imap:
            self.ok(imap.select("INBOX"))
            self.ok(imap.store("2", "+FLAGS", r"(\Flagged)"))
            self.ok(imap.store("3", "+FLAGS", r"(\Deleted)"))
            self.ok(imap.expunge())
            self.ok(self.append(imap, "INBOX", note(7)))
        self.rename(near["note 4"][0], "S")
        self.rename(near["note 5"][0], "T")
        (folder / "mail/INBOX/new/1794816000.8.near").write_bytes(note(8).replace(b"\r\n", b"\n"))
        self.sync(config)
        names = [f"note {n}" for n in (1, 2, 4, 7, 8)]
        near, far = self.near(folder, "INBOX"), self.far("INBOX")
        self.assertEqual((sorted(near), sorted(far)), (names, names))
        self.assertIn("F", near["note 2"][1])
        self.assertIn(rb"\Seen", far["note 4"])

        # Nothing has changed since: nothing changes.
        files = sorted(str(file) for file, _ in near.values())
        self.sync(config)
        self.assertEqual(sorted(str(file) for file, _ in self.near(folder, "INBOX").values()), files)
        self.assertEqual(self.far("INBOX"), far)

    def test_octets_folders_and_moves_come_through_both_ways(self):
        for tls, port in [("IMAPS", self.server.imaps), ("STARTTLS", self.server.imap)]:
            with self.subTest(tls):
                self.check_both_ways(tls, port)

    def check_both_ways(self, tls, port):
        folder, config = self.configure(tls, port)
        # Where mbsync has folders verbatim it has names as the protocol writes them. Both are not there yet.
        theirs, ours = f"{tls}/&AMk-t&AOk-", f"{tls}/&ZeVnLIqe-"
        first, second = attached(1, USER), attached(2, USER)
        with self.server.session() as imap:
            self.ok(imap.create(f'"{theirs}"'))
            self.ok(self.append(imap, f'"{theirs}"', first, r"(\Answered $Work)"))
        for place in ["cur", "new", "tmp"]:
            (folder / "mail" / ours / place).mkdir(parents=True)
        (folder / "mail" / ours / "cur/1794816000.2.near:2,FS").write_bytes(here(second))
        self.sync(config)
        file, flags = self.near(folder, theirs)["note 1"]
        self.assertEqual((unmarked(file.read_bytes()), flags), (here(first), "R"))
        self.assertEqual(self.octets_and_flags(ours), {second: {r"\Flagged", r"\Seen"}})
        # It knows no keywords, and leaves alone what it does not know.
        self.assertEqual(self.octets_and_flags(theirs), {first: {r"\Answered", "$Work"}})

        # Flags go off again on both sides, and on, while the keyword stays.
        self.rename(file, "FR")
        with self.server.session() as imap:
            self.ok(imap.select(f'"{ours}"'))
            self.ok(imap.store("1", "-FLAGS", r"(\Flagged)"))
        self.sync(config)
        self.assertEqual(self.octets_and_flags(theirs), {first: {r"\Answered", r"\Flagged", "$Work"}})
        self.assertEqual(self.near(folder, ours)["note 2"][1], "S")

        # A message moves there, and one here: each is gone from one folder and whole in the other, on both sides.
        with self.server.session() as imap:
            self.ok(imap.select(f'"{theirs}"'))
            self.ok(imap.uid("MOVE", "1", f'"{ours}"'))
        self.sync(config)
        self.assertEqual(list(self.near(folder, theirs)), [])
        near = self.near(folder, ours)
        self.assertEqual(sorted(near), ["note 1", "note 2"])
        file, flags = near["note 1"]
        self.assertEqual((unmarked(file.read_bytes()), flags), (here(first), "FR"))
        near["note 2"][0].rename(folder / "mail" / theirs / "cur/1794816000.3.near:2,S")
        self.sync(config)
        self.assertEqual(self.octets_and_flags(theirs), {second: {r"\Seen"}})
        self.assertEqual(self.octets_and_flags(ours), {first: {r"\Answered", r"\Flagged", "$Work"}})

        # What is thrown away on either side is gone on both.
        self.rename(self.near(folder, theirs)["note 2"][0], "ST")
        with self.server.session() as imap:
            self.ok(imap.select(f'"{ours}"'))
            self.ok(imap.store("1", "+FLAGS", r"(\Deleted)"))
            self.ok(imap.expunge())
        self.sync(config)
        for mailbox in [theirs, ours]:
            self.assertEqual((self.near(folder, mailbox), self.octets_and_flags(mailbox)), ({}, {}))

    def octets_and_flags(self, mailbox):
        """Octets to flags, of a mailbox, by a session that knows nothing of mbsync."""
        with self.server.session() as imap:
            self.ok(imap.select(f'"{mailbox}"', readonly=True))
            return {unmarked(octets): self.flags(imap, uid) for uid, octets in self.bodies(imap).items()}

    def rename(self, file, flags):
        """Gives a file in a Maildir these flags."""
        stem = file.name.partition(":2,")[0]
        file.rename(pathlib.Path(file.parent.parent, "cur", f"{stem}:2,{flags}"))

    def test_it_comes_in_by_starttls_too(self):
        folder, config = self.configure("STARTTLS", self.server.imap)
        self.sync(config)
        self.assertTrue((folder / "mail/Sent/cur").is_dir())

    def test_it_signs_in_by_scram(self):
        _, config = self.configure("IMAPS", self.server.imaps)
        config.write_text(config.read_text().replace("SSLType", "AuthMechs SCRAM-SHA-256\nSSLType"))
        self.sync(config)
        self.logs('mechanism="?scram-sha-256')
