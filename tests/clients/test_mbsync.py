"""mbsync, both ways."""

import pathlib
import subprocess

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
