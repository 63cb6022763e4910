"""What the handshake looks like to openssl."""

import subprocess

from server import HOST, PATIENCE, Served


class TheHandshake(Served):
    def s_client(self, port, *words):
        to = ["-connect", f"{HOST}:{port}", "-servername", HOST, "-verify_hostname", HOST]
        done = subprocess.run(
            ["openssl", "s_client", *to, "-CAfile", self.server.ca, "-verify_return_error", *words],
            input=b"a LOGOUT\r\n", capture_output=True, timeout=PATIENCE,
        )
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def test_the_certificate_is_verified_and_the_protocol_agreed(self):
        status, told = self.s_client(self.server.imaps, "-alpn", "imap")
        self.assertEqual(status, 0, told)
        self.assertIn("Verify return code: 0 (ok)", told)
        self.assertIn("ALPN protocol: imap", told)
        self.assertIn("TLSv1.3", told)

    def test_starttls_ends_in_the_same_place(self):
        status, told = self.s_client(self.server.imap, "-starttls", "imap")
        self.assertEqual(status, 0, told)
        self.assertIn("Verify return code: 0 (ok)", told)

    def test_tls_1_2_is_spoken_and_1_1_is_not(self):
        self.assertEqual(self.s_client(self.server.imaps, "-tls1_2")[0], 0)
        self.assertNotEqual(self.s_client(self.server.imaps, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")[0], 0)
