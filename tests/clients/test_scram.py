"""SCRAM-SHA-256, by the rules of RFC 5802 in a few lines. Another implementation, libsasl, signs in in test_mbsync.py."""

import base64
import hashlib
import hmac
import imaplib
import secrets

from server import HOST, PASSWORD, PATIENCE, USER, Served


class Scram:
    """The client's side, as imaplib wants it: called with each challenge."""

    def __init__(self, user, password):
        self.user, self.password = user.replace("=", "=3D").replace(",", "=2C"), password.encode()
        self.steps = iter([self.first, self.final, self.verify])

    def __call__(self, challenge):
        return next(self.steps)(challenge)

    def first(self, _):
        self.bare = f"n={self.user},r={secrets.token_urlsafe()}"
        return f"n,,{self.bare}".encode()

    def final(self, challenge):
        fields = dict(field.split("=", 1) for field in challenge.decode().split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(fields["s"]), int(fields["i"]))
        without_proof = f"c=biws,r={fields['r']}"
        self.message = f"{self.bare},{challenge.decode()},{without_proof}".encode()
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(client_key).digest(), self.message, "sha256")
        self.server_key = hmac.digest(salted, b"Server Key", "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, challenge):
        signature = hmac.digest(self.server_key, self.message, "sha256")
        assert challenge == b"v=" + base64.b64encode(signature), "the server does not know the verifier"
        return b""


class AProof(Served):
    def test_it_signs_in_and_the_server_proves_itself(self):
        imap = imaplib.IMAP4_SSL(HOST, self.server.imaps, ssl_context=self.server.context(), timeout=PATIENCE)
        self.assertIn("AUTH=SCRAM-SHA-256", imap.capabilities)
        self.ok(imap.authenticate("SCRAM-SHA-256", Scram(USER, PASSWORD)))
        self.ok(imap.select())
        imap.logout()

    def test_a_wrong_password_and_a_wrong_name_get_the_same_answer(self):
        answers = set()
        for user, password in [(USER, "wrong"), ("nobody@example.org", PASSWORD)]:
            imap = imaplib.IMAP4_SSL(HOST, self.server.imaps, ssl_context=self.server.context(), timeout=PATIENCE)
            with self.assertRaises(imaplib.IMAP4.error) as refused:
                imap.authenticate("SCRAM-SHA-256", Scram(user, password))
            answers.add(str(refused.exception))
            imap.shutdown()
        self.assertEqual(len(answers), 1, answers)
        self.assertIn("AUTHENTICATIONFAILED", answers.pop())
        # For whoever runs the server there is a difference.
        for reason in ["wrong-password", "no-account"]:
            self.logs(rf"scram-sha-256.*{reason}|{reason}.*scram-sha-256")

    def test_a_password_that_is_changed_meanwhile_lets_nobody_in(self):
        name, server = "changing@example.org", self.server
        server.gatepost("account", "--config", server.config, "add", name, "--password-stdin", stdin="old password\n")

        class Slow(Scram):
            def verify(self, challenge):
                server.gatepost("account", "--config", server.config, "passwd", name, "--password-stdin", stdin="new password\n")
                return super().verify(challenge)

        imap = imaplib.IMAP4_SSL(HOST, server.imaps, ssl_context=server.context(), timeout=PATIENCE)
        with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
            imap.authenticate("SCRAM-SHA-256", Slow(name, "old password"))
        self.ok(imap.authenticate("SCRAM-SHA-256", Scram(name, "new password")))
        imap.logout()
