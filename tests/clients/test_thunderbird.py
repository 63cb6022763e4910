"""Thunderbird: what its user does and sees on one side, what an independent session finds on the other. By both ports."""

import base64
import email
import email.policy
import re

from server import Served
from thunderbird import STARTTLS, TLS, Thunderbird

# As Thunderbird's user reads it, and as imaplib has to write it.
OFFICE = "Büro & Söhne"
OFFICE_ENCODED = '"B&APw-ro &- S&APY-hne"'
SUMMER = "Été/日本語 📮"
SUMMER_ENCODED = '"&AMk-t&AOk-/&ZeVnLIqe- &2D3c7g-"'


def plain(name):
    return (
        f"From: Zoë <zoe@example.org>\r\nTo: robin@example.org\r\nDate: Tue, 3 Nov 2026 09:14:00 +0100\r\n"
        f"Subject: Grüße {name}\r\nMessage-ID: <{name}@example.org>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nDie Lampe {name} brennt.\r\n"
    ).encode()


def attached(name, octets):
    """A message with an attachment whose name is not ASCII."""
    message = email.message.EmailMessage(email.policy.SMTP)
    message["From"], message["To"] = "zoe@example.org", "robin@example.org"
    message["Date"], message["Subject"] = "Tue, 3 Nov 2026 09:14:00 +0100", f"Unterlagen {name}"
    message["Message-ID"] = f"<{name}@example.org>"
    message.set_content("Anbei die Pläne.\n")
    message.add_attachment(octets, "application", "octet-stream", filename="Pläne.bin")
    return message.as_bytes()


class Mail:
    """The tests; the classes below say by which port."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.thunderbird = Thunderbird(cls.server, getattr(cls.server, cls.PORT), cls.SOCKET_TYPE)
        cls.addClassCleanup(cls.thunderbird.stop)

    def story(self):
        return f"{super().story()}\n{self.thunderbird.story()}"

    # --- The other side ---

    def deliver(self, name, message=None, mailbox="INBOX", flags=None):
        """Puts a message into a mailbox, by a session of its own; returns its Message-ID."""
        with self.server.session() as imap:
            self.ok(self.append(imap, mailbox, message or plain(name), flags))
        return f"{name}@example.org"

    def find(self, mailbox, identity):
        """(flags, octets) of the message with this Message-ID; None when there is none."""
        with self.server.session() as imap:
            self.ok(imap.select(mailbox, readonly=True))
            [uids] = self.ok(imap.uid("SEARCH", "HEADER", "Message-ID", f"<{identity}>", "UNDELETED"))
            if not uids:
                return None
            self.assertEqual(len(uids.split()), 1, f"{identity} is there more than once")
            answer = self.ok(imap.uid("FETCH", uids.decode(), "(FLAGS BODY.PEEK[])"))
        about = b" ".join(item[0] if isinstance(item, tuple) else item for item in answer)
        octets = next(item[1] for item in answer if isinstance(item, tuple))
        flags = re.search(rb"FLAGS \(([^)]*)\)", about)[1].decode().split()
        return set(flags) - {r"\Recent"}, octets

    def arrives(self, mailbox, identity):
        return self.eventually(lambda: self.find(mailbox, identity))

    def becomes(self, mailbox, identity, *flags):
        """Waits until the message has just these flags."""
        self.eventually(lambda: self.arrives(mailbox, identity)[0] == set(flags))

    # --- The tests ---

    def test_it_finds_the_special_folders(self):
        found = self.thunderbird.call("folders")
        uses = {"INBOX": "Inbox", "Sent": "SentMail", "Drafts": "Drafts", "Junk": "Junk", "Trash": "Trash", "Archive": "Archive"}
        self.assertEqual({name: found.get(name) for name in uses}, {name: [use] for name, use in uses.items()})

    def test_it_downloads_octet_by_octet(self):
        with self.server.session() as imap:
            self.ok(imap.create("Download"))
            self.ok(imap.subscribe("Download"))
        # Beyond 96 KiB it fetches in pieces; with this size the last of them is a short one.
        sent = {
            self.deliver("small", mailbox="Download"): plain("small"),
            self.deliver("large", large := attached("large", bytes(range(256)) * 1000), "Download"): large,
        }
        self.thunderbird.call("discover", "Download")
        self.thunderbird.call("open", "Download")
        found = self.thunderbird.call("download", "Download", list(sent))
        for identity, octets in sent.items():
            # Its store has lines of its own above each message.
            got = re.sub(rb"\A(X-Mozilla-[^\n]*\n)+", b"", base64.b64decode(found[identity]))
            self.assertTrue(got == octets, f"{identity}: {len(octets)} octets became {len(got)}: {got[:1000]}")

    def test_a_message_that_is_looked_at_is_seen(self):
        identity = self.deliver("looked-at", attached("looked-at", b"lamp" * 1000))
        shown = self.thunderbird.call("read", "INBOX", identity)
        self.assertIn("Anbei die Pläne.", shown["text"])
        self.assertEqual(shown["attachments"], [{"name": "Pläne.bin", "size": 4000}])
        self.becomes("INBOX", identity, r"\Seen")
        self.thunderbird.call("unread", "INBOX", identity)
        self.becomes("INBOX", identity)

    def test_it_makes_folders_whose_names_are_not_ascii_and_renames_them(self):
        self.thunderbird.call("createFolder", "Überblick")
        self.thunderbird.call("createFolder", "Überblick/R&D &- 日本")
        self.eventually(lambda: self.listed('"&ANw-berblick/R&-D &-- &ZeVnLA-"'))
        self.thunderbird.call("renameFolder", "Überblick", "Rückblick")
        self.eventually(lambda: self.listed('"R&APw-ckblick/R&-D &-- &ZeVnLA-"'))
        self.assertFalse(self.listed('"&ANw-berblick"'))

    def listed(self, name):
        """Whether both LIST and LSUB know this name."""
        with self.server.session() as imap:
            return all(self.ok(ask('""', name)) != [None] for ask in (imap.list, imap.lsub))

    def test_it_moves_and_copies_into_folders_whose_names_are_not_ascii(self):
        with self.server.session() as imap:
            for name in [OFFICE_ENCODED, SUMMER_ENCODED]:
                self.ok(imap.create(name))
                self.ok(imap.subscribe(name))
        self.thunderbird.call("discover", OFFICE)
        self.thunderbird.call("discover", SUMMER)
        identity = self.deliver("moved", flags=r"(\Flagged $label2)")
        self.thunderbird.call("copy", "INBOX", identity, OFFICE, True)
        self.assertEqual(self.arrives(OFFICE_ENCODED, identity), ({r"\Flagged", "$label2"}, plain("moved")))
        self.eventually(lambda: self.find("INBOX", identity) is None)
        self.thunderbird.call("open", OFFICE)
        self.thunderbird.call("looks", OFFICE, identity, {"flagged": True, "keywords": ["$label2"]})
        self.thunderbird.call("copy", OFFICE, identity, SUMMER, False)
        self.assertEqual(self.arrives(SUMMER_ENCODED, identity)[1], plain("moved"))
        self.assertTrue(self.find(OFFICE_ENCODED, identity))

    def test_it_tags_and_flags_and_knows_junk(self):
        identity = self.deliver("tagged")
        self.thunderbird.call("tag", "INBOX", identity, "$label1")
        self.becomes("INBOX", identity, "$label1")
        self.thunderbird.call("flag", "INBOX", identity)
        self.becomes("INBOX", identity, "$label1", r"\Flagged")
        self.thunderbird.call("junk", "INBOX", identity)
        self.becomes("INBOX", identity, "$label1", r"\Flagged", "Junk")

    def test_what_is_deleted_goes_to_the_trash(self):
        identity = self.deliver("deleted")
        self.thunderbird.call("trash", "INBOX", identity)
        self.assertEqual(self.arrives("Trash", identity)[1], plain("deleted"))
        self.eventually(lambda: self.find("INBOX", identity) is None)

    def test_it_hears_by_idle_of_what_others_do(self):
        # Nobody asks for mail: neither do we, nor does a clock (thunderbird.js, makeAccount). And each change waits until
        # it is in IDLE: of what a server says while it STOREs it remembers no EXISTS. A mailbox that no other test uses
        # gives it no other reason to leave IDLE.
        with self.server.session() as imap:
            self.ok(imap.create("Watched"))
            self.ok(imap.subscribe("Watched"))
        self.thunderbird.call("discover", "Watched")
        self.thunderbird.call("open", "Watched")
        self.idles()
        identity = self.deliver("idle", mailbox="Watched")
        self.assertEqual(
            self.thunderbird.call("arrived", "Watched", identity),
            {"subject": "Grüße idle", "author": "Zoë <zoe@example.org>", "size": len(plain("idle"))},
        )
        self.change("+FLAGS", r"(\Flagged \Seen $label3)")
        self.thunderbird.call("looks", "Watched", identity, {"flagged": True, "read": True, "keywords": ["$label3"]})
        self.change("-FLAGS", r"(\Flagged)")
        self.thunderbird.call("looks", "Watched", identity, {"flagged": False, "read": True})
        self.change("+FLAGS", r"(\Deleted)")
        self.change("EXPUNGE")
        self.thunderbird.call("gone", "Watched", identity)

    def idles(self):
        self.eventually(lambda: self.thunderbird.idles("Watched"))

    def change(self, *words):
        """Another session changes the flags of the only message there, or expunges it."""
        self.idles()
        with self.server.session() as imap:
            self.ok(imap.select("Watched"))
            self.ok(imap.uid("STORE", "1", *words) if len(words) > 1 else imap.expunge())

    def test_a_draft_is_kept_with_its_attachment_and_gives_way_to_the_next(self):
        octets = bytes(range(256)) * 300
        file = self.thunderbird.folder / "Skizze ä.bin"
        file.write_bytes(octets)
        words = {"to": "zoe@example.org", "subject": "Entwurf für Zoë", "body": "Die Lampe.", "attachment": str(file)}
        self.thunderbird.call("draft", words)
        drafts = self.eventually(lambda: self.drafts_with(words["subject"]))
        self.assertEqual(len(drafts), 1, "the first version is gone")
        [found] = drafts
        self.assertEqual(found["To"], words["to"])
        self.assertIn(words["body"], found.get_body().get_content())
        [attachment] = found.iter_attachments()
        self.assertEqual((attachment.get_filename(), attachment.get_content()), (file.name, octets))

    def drafts_with(self, subject):
        """The drafts, once there is one with this subject and none but such."""
        with self.server.session() as imap:
            self.ok(imap.select("Drafts", readonly=True))
            [uids] = self.ok(imap.uid("SEARCH", "UNDELETED"))
            found = self.bodies(imap, uids.decode().replace(" ", ",")) if uids else {}
        messages = [email.message_from_bytes(octets, policy=email.policy.default) for octets in found.values()]
        return messages if [message["Subject"] for message in messages] == [subject] else None


class ByTls(Mail, Served):
    PORT, SOCKET_TYPE = "imaps", TLS


class ByStarttls(Mail, Served):
    PORT, SOCKET_TYPE = "imap", STARTTLS
