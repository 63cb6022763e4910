"""Python's imaplib."""

import imaplib
import unittest

import corpus
from server import HOST, PASSWORD, PATIENCE, USER, Served

NOTE = b"From: a@example.org\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\n\r\nThe lamp is lit.\r\n"


class TheGate(Served):
    def test_port_143_lets_nobody_in_before_starttls(self):
        imap = imaplib.IMAP4(HOST, self.server.imap, PATIENCE)
        self.assertIn("LOGINDISABLED", imap.capabilities)
        self.assertIn("STARTTLS", imap.capabilities)
        with self.assertRaisesRegex(imaplib.IMAP4.error, "PRIVACYREQUIRED"):
            imap.login(USER, PASSWORD)
        imap.shutdown()

    def test_starttls_leads_to_a_login(self):
        imap = imaplib.IMAP4(HOST, self.server.imap, PATIENCE)
        self.ok(imap.starttls(self.server.context()))
        self.ok(imap.login(USER, PASSWORD))
        imap.logout()

    def test_authenticate_plain_works_under_tls(self):
        imap = imaplib.IMAP4_SSL(HOST, self.server.imaps, ssl_context=self.server.context(), timeout=PATIENCE)
        self.ok(imap.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode()))
        imap.logout()

    def test_a_wrong_password_and_a_wrong_name_get_the_same_answer(self):
        answers = set()
        for user, password in [(USER, "wrong"), ("nobody@example.org", PASSWORD)]:
            imap = imaplib.IMAP4_SSL(HOST, self.server.imaps, ssl_context=self.server.context(), timeout=PATIENCE)
            with self.assertRaises(imaplib.IMAP4.error) as refused:
                imap.login(user, password)
            answers.add(str(refused.exception))
            imap.shutdown()
        self.assertEqual(len(answers), 1, answers)
        self.assertIn("AUTHENTICATIONFAILED", answers.pop())


class AMailbox(Served):
    def test_a_new_account_has_its_folders_with_their_uses(self):
        with self.server.session() as imap:
            lines = b"\n".join(self.ok(imap.list()))
        for use in [b"\\Sent", b"\\Drafts", b"\\Junk", b"\\Trash", b"\\Archive"]:
            self.assertIn(use, lines)

    def test_a_message_lives_a_whole_life(self):
        with self.server.session() as imap:
            self.ok(imap.create("Life"))
            self.ok(self.append(imap, "Life", NOTE, r"(\Flagged)", '"03-Nov-2026 09:14:00 +0100"'))
            self.ok(imap.select("Life"))
            self.assertEqual(list(self.bodies(imap).values()), [NOTE])
            about = self.ok(imap.fetch("1", "(FLAGS INTERNALDATE RFC822.SIZE)"))[0]
            self.assertIn(b'"03-Nov-2026 09:14:00 +0100"', about)
            self.assertIn(b"RFC822.SIZE %d" % len(NOTE), about)
            self.assertIn(rb"\Flagged", about)
            self.assertEqual(self.ok(imap.search(None, "FLAGGED", "BODY", '"lamp"')), [b"1"])
            self.assertEqual(self.ok(imap.search(None, "UNFLAGGED")), [b""])
            self.assertIn(rb"\Answered", self.ok(imap.store("1", "+FLAGS", r"(\Answered $Todo)"))[0])
            self.ok(imap.copy("1", "INBOX"))
            self.ok(imap.uid("MOVE", "1", "Archive"))
            self.assertEqual(self.ok(imap.search(None, "ALL")), [b""])
            self.ok(imap.close())
            self.ok(imap.delete("Life"))
            self.ok(imap.select("Archive"))
            self.assertEqual(list(self.bodies(imap).values()), [NOTE])
            self.ok(imap.store("1", "+FLAGS", r"(\Deleted)"))
            self.assertEqual(self.ok(imap.expunge()), [b"1"])

    def test_names_of_folders_travel_in_modified_utf_7(self):
        with self.server.session() as imap:
            self.ok(imap.create('"&AMk-t&AOk-/&ZeVnLIqe-"'))
            self.assertTrue(any(b"&AMk-t&AOk-/&ZeVnLIqe-" in line for line in self.ok(imap.list())))
            self.ok(imap.rename('"&AMk-t&AOk-"', "Summer"))
            self.assertTrue(any(b"Summer/&ZeVnLIqe-" in line for line in self.ok(imap.list())))
            self.ok(imap.delete('"Summer/&ZeVnLIqe-"'))
            # "Summer" was a level, there by the grace of what lay below it.
            self.assertFalse(any(b"Summer" in line for line in self.ok(imap.list())))

    def test_another_session_hears_of_a_delivery(self):
        with self.server.session() as writer, self.server.session() as reader:
            self.ok(reader.select("INBOX"))
            before = int(reader.untagged_responses.get("EXISTS", [b"0"])[-1])
            self.ok(self.append(writer, "INBOX", NOTE))
            self.ok(reader.noop())
            self.assertEqual(int(reader.response("EXISTS")[1][-1]), before + 1)

    def test_an_idle_session_is_told_at_once(self):
        with self.server.session() as writer, self.server.session() as reader:
            self.ok(reader.select("INBOX"))
            # imaplib learned IDLE only with Python 3.14.
            reader.send(b"i IDLE\r\n")
            self.assertTrue(reader.readline().startswith(b"+ "))
            self.ok(self.append(writer, "INBOX", NOTE))
            self.assertRegex(reader.readline(), rb"^\* \d+ EXISTS")
            reader.send(b"DONE\r\n")
            while not (line := reader.readline()).startswith(b"i "):
                self.assertTrue(line.startswith(b"* "), line)
            self.assertTrue(line.startswith(b"i OK"), line)

    def test_mail_survives_a_restart(self):
        with self.server.session() as imap:
            self.ok(imap.create("Kept"))
            self.ok(self.append(imap, "Kept", NOTE, r"(\Seen)"))
            validity = self.ok(imap.status("Kept", "(UIDVALIDITY UIDNEXT)"))
        self.server.stop()
        self.server.start()
        with self.server.session() as imap:
            self.assertEqual(self.ok(imap.status("Kept", "(UIDVALIDITY UIDNEXT)")), validity)
            self.ok(imap.select("Kept"))
            self.assertEqual(list(self.bodies(imap).values()), [NOTE])


class BytesInAreBytesOut(Served):
    def put_and_compare(self, mailbox, messages):
        """Appends all, fetches all, and compares; what is refused must be empty or hold a NUL."""
        with self.server.session() as imap:
            self.ok(imap.create(mailbox))
            kept = []
            for name, octets in messages:
                status, why = self.append(imap, mailbox, octets)
                if status == "OK":
                    kept.append((name, octets))
                else:
                    self.assertTrue(not octets or b"\0" in octets, f"{name}: {why}")
            self.ok(imap.select(mailbox))
            found = self.bodies(imap)
            self.assertEqual(len(found), len(kept))
            for (name, octets), uid in zip(kept, sorted(found)):
                self.assertEqual(found[uid], octets, name)
        return len(kept)

    def test_for_the_messages_of_the_repository(self):
        self.assertGreater(self.put_and_compare("Demo", corpus.demo()), 90)

    @unittest.skipIf(corpus.missing(), corpus.missing())
    def test_for_difficult_messages_as_they_are(self):
        self.assertGreater(self.put_and_compare("Torture", corpus.torture()), 290)

    @unittest.skipIf(corpus.missing(), corpus.missing())
    def test_for_real_messages(self):
        self.assertGreater(self.put_and_compare("Real", corpus.real()), 5_000)

    def test_nothing_and_nul_are_refused_with_a_reason_and_the_session_goes_on(self):
        with self.server.session() as imap:
            for message in [b"", b"Subject: x\r\n\r\n\0\r\n"]:
                try:
                    status, why = self.append(imap, "INBOX", message)
                except imaplib.IMAP4.error as refused:
                    status, why = "BAD", [str(refused).encode()]
                self.assertIn(status, ("NO", "BAD"))
                self.assertGreater(len(why[0]), 10)
            self.ok(imap.noop())
