"""neomutt at a terminal that nobody sees; its keys come from its configuration."""

import contextlib
import email
import email.policy
import os
import pty
import select
import signal
import subprocess
import time

from notes import PLAN, attached
from server import HOST, PASSWORD, PATIENCE, USER, Served

CONFIG = r"""
set folder="{url}"
set spoolfile="+INBOX"
set postponed="+Drafts"
set record=""
set trash="+Trash"
set imap_user="{user}"
set imap_pass="{password}"
set ssl_ca_certificates_file="{ca}"
set ssl_force_tls=yes
set ssl_starttls=yes
set header_cache="{folder}/headers"
set message_cachedir="{folder}/bodies"
set certificate_file="{folder}/certificates"
set tmpdir="{folder}"
set charset=utf-8
set realname="Robin"
set from="{user}"
set editor="true"
set confirmappend=no
set confirmcreate=no
set delete=yes
set quit=yes
set move=no
set mark_old=no
set wait_key=no
set sleep_time=0
set postpone=yes
set abort_nosubject=no
set abort_unmodified=no
set help=no
set mail_check=600
set debug_level=2
set debug_file="{folder}/debug"
{more}
push "{keys}"
"""

FAST = "set imap_condstore=yes\nset imap_qresync=yes"

# No blanks: where neomutt asks for a file or a folder they complete.
FOLDER = "Büro/Été&日本"
ENCODED = '"B&APw-ro/&AMk-t&AOk-&-&ZeVnLA-"'


def note(number, text="ja"):
    return (
        f"From: zoe@example.org\r\nTo: {USER}\r\nDate: Tue, 3 Nov 2026 09:14:0{number} +0100\r\nSubject: note {number}\r\n"
        f"Message-ID: <{number}@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: 8bit\r\n\r\nDie Lampe: {text}.\r\n"
    ).encode()


class Mail:
    """The tests; the classes below say by which port, and with which extensions."""

    @property
    def folder(self):
        return self.server.folder / self.id()

    def neomutt(self, keys, until=None):
        """Runs neomutt with these keys until it ends by itself, or says something."""
        folder = self.folder
        (folder / "bodies").mkdir(parents=True, exist_ok=True)
        quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        config = CONFIG.format(
            url=f"{self.SCHEME}://{HOST}:{getattr(self.server, self.PORT)}/", user=USER, password=quoted,
            ca=self.server.ca, folder=folder, more=self.MORE, keys=keys,
        )
        (folder / "rc").write_text(config)
        words = ["neomutt", "-n", "-F", folder / "rc"]
        self.seen = run_at_a_terminal(words, {**os.environ, "HOME": str(folder), "TERM": "xterm"}, until)

    def story(self):
        return f"{super().story()}\n--- neomutt's log\n{self.log()[-8000:]}\n--- its screen\n{getattr(self, 'seen', '')[-3000:]}"

    def log(self):
        """What it wrote down of its runs in this test."""
        return "\n".join(path.read_text(errors="replace") for path in self.folder.glob("debug*"))

    def fill(self, messages):
        with self.server.session() as imap:
            for message in messages:
                self.ok(self.append(imap, "INBOX", message))

    def far(self, mailbox):
        """Octets to flags, of a mailbox."""
        with self.server.session() as imap:
            self.ok(imap.select(mailbox, readonly=True))
            return {octets: self.flags(imap, uid) for uid, octets in self.bodies(imap).items()}

    def test_it_reads_flags_saves_and_deletes(self):
        messages = [note(1), note(2, "Straße"), note(3), note(4), attached(5, USER)]
        self.fill(messages)
        # =b is for the server to search, and raw UTF-8 is how neomutt asks.
        self.neomutt(
            f"<tag-pattern>=b Straße<enter><tag-prefix><save-message>\\Cu+{FOLDER}<enter>"
            "<search>~s 'note 1'<enter><flag-message>"
            "<search>~s 'note 3'<enter><delete-message>"
            "<search>~s 'note 4'<enter><display-message><exit>"
            f"<search>~s 'note 5'<enter><view-attachments><last-entry><save-entry>\\Cu{self.folder}/plan<enter><exit>"
            "<sync-mailbox><quit>"
        )
        inbox = self.far("INBOX")
        self.assertEqual(set(inbox), {messages[0], messages[3], messages[4]})
        self.assertEqual(inbox[messages[0]], {r"\Flagged"})
        self.assertEqual(inbox[messages[3]], {r"\Seen"})
        self.assertEqual(list(self.far(ENCODED)), [messages[1]])
        self.assertEqual(list(self.far("Trash")), [messages[2]])
        self.assertEqual((self.folder / "plan").read_bytes(), PLAN)

        # It comes again, with what it has kept: one more here, one less, another flag.
        with self.server.session() as imap:
            self.ok(imap.select("INBOX"))
            self.ok(imap.store("1", "-FLAGS", r"(\Flagged)"))
            self.ok(imap.store("2", "+FLAGS", r"(\Deleted)"))
            self.ok(imap.expunge())
            self.ok(self.append(imap, "INBOX", note(6)))
        self.neomutt("<tag-pattern>!~F<enter><tag-prefix><copy-message>\\Cu+Archive<enter><quit>")
        self.assertEqual(set(self.far("Archive")), {messages[0], messages[4], note(6)})
        # It asks for what has vanished, where it may; whether it believes its cache then is its own affair.
        self.assertEqual(" VANISHED)" in self.log(), self.MORE == FAST)

    def test_keywords_are_read_and_set(self):
        with self.server.session() as imap:
            self.ok(self.append(imap, "Junk", note(1), "($Work)"))
            self.ok(self.append(imap, "Junk", note(2)))
        # What has the keyword is moved, what has it not gets another.
        self.neomutt(
            "<change-folder>\\Cu+Junk<enter><tag-pattern>~Y Work<enter><tag-prefix><save-message>\\Cu+Archive<enter>"
            "<search>~s 'note 2'<enter><modify-tags>Later<enter><sync-mailbox><quit>"
        )
        self.assertEqual(self.far("Junk"), {note(2): {"Later"}})
        self.assertEqual(self.far("Archive")[note(1)], {"$Work"})

    def test_a_draft_is_kept_with_its_attachment(self):
        file = self.server.folder / "Skizze-ä.bin"
        file.write_bytes(PLAN)
        self.neomutt(
            "<mail>zoe@example.org<enter>Entwurf für Zoë<enter>"
            f"<attach-file>\\Cu{file}<enter><postpone-message><quit>"
        )
        [(draft, flags)] = self.far("Drafts").items()
        found = email.message_from_bytes(draft, policy=email.policy.default)
        self.assertEqual(found["Subject"], "Entwurf für Zoë")
        self.assertIn(r"\Draft", flags)
        [attachment] = found.iter_attachments()
        self.assertEqual((attachment.get_filename(), attachment.get_content()), (file.name, PLAN))

    def test_it_trusts_nobody_else(self):
        self.server.ca, ours = self.server.folder / "nobody.pem", self.server.ca
        self.addCleanup(setattr, self.server, "ca", ours)
        self.server.ca.write_text("")
        self.neomutt("<quit>", until=b"(r)eject")
        self.assertIn("Gatepost private authority", self.seen)


def run_at_a_terminal(words, environment, until=None):
    """Runs a program at a terminal of its own, until it ends or says something; returns what it wrote there."""
    ours, its = pty.openpty()
    with open(ours, "rb", buffering=0) as screen:
        process = subprocess.Popen(words, stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True)
        os.close(its)
        seen, deadline = b"", time.monotonic() + PATIENCE
        try:
            while select.select([screen], [], [], max(0, deadline - time.monotonic()))[0]:
                # A terminal that nobody holds any more is an error to read from, on Linux.
                try:
                    octets = screen.read(1 << 16)
                except OSError:
                    octets = b""
                seen += octets
                if not octets or (until and until in seen):
                    return seen.decode(errors="replace")
            raise AssertionError(f"{words[0]} did not end within {PATIENCE} s:\n{seen[-4000:].decode(errors='replace')}")
        finally:
            # It has ended, or has no terminal any more.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class ByTls(Mail, Served):
    SCHEME, PORT, MORE = "imaps", "imaps", ""


class ByTlsWithQresync(Mail, Served):
    SCHEME, PORT, MORE = "imaps", "imaps", FAST


class ByStarttls(Mail, Served):
    SCHEME, PORT, MORE = "imap", "imap", ""
