"""curl, which verifies certificates unless told otherwise; it is not."""

import base64
import subprocess

from notes import PLAN, attached
from server import HOST, PASSWORD, PATIENCE, USER, Served

# "Büro/日本", as the protocol writes it and as a URL does.
ENCODED, IN_URL = "B&APw-ro/&ZeVnLA-", "B%26APw-ro%2F%26ZeVnLA-"


class Mail:
    """The tests; the classes below say by which port."""

    def curl(self, path, *words):
        url = f"{self.SCHEME}://{HOST}:{getattr(self.server, self.PORT)}/{path}"
        login = ["--silent", "--show-error", "--ssl-reqd", "--cacert", self.server.ca, "--user", f"{USER}:{PASSWORD}"]
        done = subprocess.run(["curl", *login, url, *words], capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def put(self, mailbox, octets):
        # APPEND announces a length, so curl wants a file and not a pipe.
        file = self.server.folder / "note"
        file.write_bytes(octets)
        self.curl(mailbox, "--upload-file", file)

    def far(self, mailbox):
        """Octets to flags, of a mailbox, by a session of its own."""
        with self.server.session() as imap:
            self.ok(imap.select(f'"{mailbox}"', readonly=True))
            return {octets: self.flags(imap, uid) for uid, octets in self.bodies(imap).items()}

    def test_it_puts_and_gets_octet_by_octet(self):
        notes = [attached(1, USER), attached(2, USER, PLAN[::-1])]
        for note in notes:
            self.put("INBOX", note)
        # curl marks what it puts as seen.
        self.assertEqual(self.far("INBOX"), {note: {r"\Seen"} for note in notes})
        self.assertEqual(self.curl("INBOX;MAILINDEX=1"), notes[0])
        self.assertEqual(self.curl("INBOX;UID=2"), notes[1])
        self.assertEqual(base64.b64decode(self.curl("INBOX;UID=2;SECTION=2")), PLAN[::-1])
        self.assertEqual(self.curl("INBOX?SUBJECT%20%22note%202%22"), b"* SEARCH 2\r\n")
        self.assertEqual(self.curl("INBOX?SUBJECT%20kettle"), b"* SEARCH\r\n")

    def test_it_flags_and_expunges(self):
        self.curl("", "--request", "CREATE Work")
        for number in [1, 2]:
            self.put("Work", attached(number, USER))
        self.curl("Work", "--request", r"STORE 1 FLAGS (\Flagged $Work)")
        self.curl("Work", "--request", r"STORE 2 +FLAGS.SILENT (\Deleted)")
        self.assertIn(b"* 1 FETCH (FLAGS (\\Flagged $Work", self.curl("Work", "--request", "FETCH 1 FLAGS"))
        self.assertIn(b"* 2 EXPUNGE", self.curl("Work", "--request", "EXPUNGE"))
        self.assertEqual(self.far("Work"), {attached(1, USER): {r"\Flagged", "$Work"}})
        self.curl("Work", "--request", "MOVE 1 Archive")
        self.assertEqual((self.far("Work"), len(self.far("Archive"))), ({}, 1))

    def test_it_finds_a_folder_by_its_encoded_name(self):
        self.curl("", "--request", f'CREATE "{ENCODED}"')
        self.put(IN_URL, attached(1, USER))
        self.assertEqual(list(self.far(ENCODED)), [attached(1, USER)])
        self.assertEqual(self.curl(f"{IN_URL};UID=1"), attached(1, USER))
        listed = self.curl("", "--request", 'LIST "" "*"')
        self.assertIn(f'"/" {ENCODED}\r\n'.encode(), listed)
        self.assertIn(b"\\Sent) \"/\" Sent\r\n", listed)


class ByTls(Mail, Served):
    SCHEME, PORT = "imaps", "imaps"

    def test_it_does_not_trust_a_stranger(self):
        url = f"imaps://{HOST}:{self.server.imaps}/"
        done = subprocess.run(["curl", "--silent", "--user", f"{USER}:x", url], capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 60, "curl's code for a certificate that it cannot verify")


class ByStarttls(Mail, Served):
    SCHEME, PORT = "imap", "imap"
