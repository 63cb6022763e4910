"""curl, which verifies certificates unless told otherwise; it is not."""

import subprocess

from server import HOST, PASSWORD, PATIENCE, USER, Served

NOTE = b"From: a@example.org\r\nSubject: from curl\r\n\r\nHello.\r\n"


class Curl(Served):
    def curl(self, *words):
        login = ["--silent", "--show-error", "--cacert", self.server.ca, "--user", f"{USER}:{PASSWORD}"]
        done = subprocess.run(["curl", *login, *words], capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_it_puts_and_gets_by_imaps(self):
        url = f"imaps://{HOST}:{self.server.imaps}"
        # APPEND announces a length, so curl wants a file and not a pipe.
        note = self.server.folder / "note"
        note.write_bytes(NOTE)
        self.curl(f"{url}/INBOX", "--upload-file", note)
        self.assertIn(b"INBOX", self.curl(f"{url}/"))
        self.assertEqual(self.curl(f"{url}/INBOX;MAILINDEX=1"), NOTE)
        self.assertIn(b"SEARCH 1", self.curl(f"{url}/INBOX?SUBJECT%20curl"))

    def test_it_gets_by_imap_with_starttls(self):
        url = f"imap://{HOST}:{self.server.imap}"
        self.assertIn(b"INBOX", self.curl(f"{url}/", "--ssl-reqd"))
        self.assertIn(b"Sent", self.curl(f"{url}/", "--ssl-reqd", "--request", 'LIST "" "*"'))

    def test_it_does_not_trust_a_stranger(self):
        url = f"imaps://{HOST}:{self.server.imaps}/"
        done = subprocess.run(["curl", "--silent", "--user", f"{USER}:x", url], capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 60, "curl's code for a certificate that it cannot verify")
