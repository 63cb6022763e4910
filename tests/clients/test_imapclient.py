"""imapclient, which many programs in Python are built on: names as they are read, sets, IDLE."""

import contextlib
import datetime

import imapclient
from server import HOST, PASSWORD, PATIENCE, USER, Served

NOTE = "From: Zoë <zoe@example.org>\r\nSubject: Grüße\r\nMessage-ID: <{}@example.org>\r\n\r\nDie Lampe brennt: {}.\r\n"
BERLIN = datetime.timezone(datetime.timedelta(hours=1))
NAMES = ["Été", "Été/日本語", "Büro & Söhne", "📮", "Ω/ω/~tilde"]


def note(number, text="ja"):
    return NOTE.format(number, text).encode()


class ImapClient(Served):
    @contextlib.contextmanager
    def client(self, starttls=False):
        port = self.server.imap if starttls else self.server.imaps
        context = self.server.context()
        client = imapclient.IMAPClient(HOST, port, ssl=not starttls, ssl_context=context, timeout=PATIENCE)
        if starttls:
            client.starttls(context)
        client.login(USER, PASSWORD)
        # It asks for capabilities when they are wanted, but not before the first search that has a literal in it.
        client.capabilities()
        try:
            yield client
        except BaseException:
            client.shutdown()
            raise
        client.logout()

    def fill(self, client, mailbox, count):
        client.create_folder(mailbox)
        for number in range(1, count + 1):
            client.append(mailbox, note(number))

    def test_names_are_read_as_they_were_written(self):
        with self.client() as client:
            for name in NAMES:
                client.create_folder(name)
                client.append(name, note(1))
        # Another session, by the other port.
        with self.client(starttls=True) as client:
            listed = {name for _, _, name in client.list_folders()}
            self.assertLessEqual(set(NAMES), listed)
            for name in NAMES:
                self.assertEqual(client.folder_status(name, ["MESSAGES"]), {b"MESSAGES": 1}, name)
                client.subscribe_folder(name)
            self.assertLessEqual(set(NAMES), {name for _, _, name in client.list_sub_folders()})
            client.rename_folder("📮", "Été/📮")
            client.delete_folder("Ω/ω/~tilde")
            listed = {name for _, _, name in client.list_folders()}
            self.assertIn("Été/📮", listed)
            self.assertFalse({"📮", "Ω/ω/~tilde"} & listed)
            for name in NAMES:
                client.unsubscribe_folder(name)

    def test_special_folders_are_found_by_their_use(self):
        with self.client() as client:
            for use in ["Sent", "Drafts", "Junk", "Trash", "Archive"]:
                self.assertEqual(client.find_special_folder(rb"\%b" % use.encode()), use)

    def test_append_keeps_flags_and_date_and_says_where_it_went(self):
        date = datetime.datetime(2026, 11, 3, 9, 14, tzinfo=BERLIN)
        with self.client() as client:
            client.create_folder("Append")
            told = client.append("Append", note(1), [imapclient.FLAGGED, b"$Todo"], date)
            self.assertIn(b"[APPENDUID ", told)
            client.select_folder("Append")
            client.normalise_times = False
            [(uid, found)] = client.fetch("1:*", ["BODY.PEEK[]", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"]).items()
            self.assertEqual(uid, 1)
            self.assertEqual(found[b"BODY[]"], note(1))
            self.assertEqual(found[b"INTERNALDATE"], date)
            self.assertEqual(found[b"RFC822.SIZE"], len(note(1)))
            self.assertLessEqual({imapclient.FLAGGED, b"$Todo"}, set(found[b"FLAGS"]))
            self.assertEqual(found[b"ENVELOPE"].message_id, b"<1@example.org>")

    def test_several_messages_go_in_with_one_command(self):
        with self.client() as client:
            client.create_folder("Multi")
            self.assertIn("MULTIAPPEND", {c.decode() for c in client.capabilities()})
            client.multiappend("Multi", [note(1), {"msg": note(2), "flags": [imapclient.SEEN]}])
            client.select_folder("Multi")
            self.assertEqual(client.get_flags([2])[2][:1], (imapclient.SEEN,))
            self.assertEqual({uid: d[b"BODY[]"] for uid, d in client.fetch([1, 2], ["BODY.PEEK[]"]).items()}, {1: note(1), 2: note(2)})

    def test_search_and_sort_find_what_is_not_ascii(self):
        with self.client() as client:
            client.create_folder("Search")
            for number, text in enumerate(["Straße", "Gasse", "straße und Gasse"], 1):
                client.append("Search", note(number, text), [imapclient.SEEN] if number == 2 else ())
            client.select_folder("Search")
            self.assertEqual(client.search(["BODY", "straße"], charset="UTF-8"), [1, 3])
            self.assertEqual(client.search(["SUBJECT", "grüße", "UNSEEN"], charset="UTF-8"), [1, 3])
            self.assertEqual(client.search(["NOT", ["HEADER", "Message-ID", "<2@example.org>"]]), [1, 3])
            self.assertEqual(client.search(["SINCE", datetime.date(2020, 1, 1), "FROM", "zoe@example.org"]), [1, 2, 3])
            self.assertEqual(client.sort(["REVERSE SIZE"], ["ALL"]), [3, 1, 2])
            # One subject, and nobody answers anybody (RFC 5256, 3).
            self.assertEqual(client.thread(algorithm="REFERENCES"), (((1,), (2,), (3,)),))

    def test_a_move_takes_messages_with_their_flags(self):
        with self.client() as client:
            self.fill(client, "From", 3)
            client.create_folder("Nach drüben")
            client.select_folder("From")
            client.add_flags([2], [imapclient.ANSWERED, b"$Label1"])
            client.move([1, 2], "Nach drüben")
            self.assertEqual(client.search(), [3])
            client.copy([3], "Nach drüben")
            client.delete_messages([3])
            client.uid_expunge([3])
            self.assertEqual(client.search(), [])
        with self.client() as client:
            client.select_folder("Nach drüben", readonly=True)
            self.assertEqual({uid: d[b"BODY[]"] for uid, d in client.fetch("1:*", ["BODY.PEEK[]"]).items()}, {n: note(n) for n in (1, 2, 3)})
            self.assertLessEqual({imapclient.ANSWERED, b"$Label1"}, set(client.get_flags([2])[2]))

    def test_an_idle_session_hears_of_arrival_flags_and_departure(self):
        with self.client() as reader, self.client(starttls=True) as writer:
            self.fill(writer, "Idle", 1)
            reader.select_folder("Idle")
            reader.idle()
            writer.append("Idle", note(2))
            self.hears(reader, (2, b"EXISTS"))
            writer.select_folder("Idle")
            writer.add_flags([1], [imapclient.FLAGGED], silent=True)
            self.hears(reader, (1, b"FETCH"))
            writer.delete_messages([1], silent=True)
            writer.expunge()
            self.hears(reader, (1, b"EXPUNGE"))
            text, _ = reader.idle_done()
            self.assertEqual(text, b"IDLE completed")
            self.assertEqual(reader.search(), [2])

    def hears(self, client, wanted):
        """Reads what IDLE tells until the wanted response is among it."""
        heard = []
        while not any(told[:2] == wanted for told in heard):
            told = client.idle_check(timeout=PATIENCE)
            self.assertTrue(told, f"nothing came for {PATIENCE} s; so far: {heard}")
            heard += told

    def test_it_learns_who_we_are_and_how_much_there_may_be(self):
        with self.client() as client:
            told = client.id_({"name": "a test"})
            self.assertIn(b"Gatepost", told[0])
            self.assertEqual(client.namespace().personal, (("", "/"),))
            self.assertEqual(client.enable("CONDSTORE"), [b"CONDSTORE"])
            self.assertIn(b"HIGHESTMODSEQ", client.select_folder("INBOX"))
            self.assertTrue(client.get_quota_root("INBOX")[0].quota_roots)
            client.unselect_folder()
