"""Python's smtplib.LMTP, over a Unix socket and over TCP."""

import os
import smtplib
import socket
import stat

from server import PASSWORD, USER, Served, Server, free_ports

NOTE = b"Subject: note\r\nMessage-ID: <note@example.org>\r\n\r\n.A dot, and 8 bits: \xe9\r\n"


class LmtpServer(Server):
    """A server that takes mail in."""

    def __init__(self, socket=None, **settings):
        super().__init__()
        (self.lmtp,) = free_ports(1)
        self.socket = socket or self.folder / "lmtp"
        self.accept_mail(**settings)

    def accept_mail(self, **settings):
        """Names a socket and a listener; init has written a line for each of the other listeners."""
        text = self.config.read_text()
        listener = f'    {{ address = "127.0.0.1:{self.lmtp}", kind = "lmtp" }},\n]'
        before, listeners, behind = text.partition("listeners = [\n")
        assert listeners, text
        text = before + listeners + behind.replace("]", listener, 1)
        words = "".join(f'{name} = "{value}"\n' for name, value in {"socket": self.socket, **settings}.items())
        assert text.count("[lmtp]\n") == 1, text
        self.config.write_text(text.replace("[lmtp]\n", "[lmtp]\n" + words))
        self.gatepost("check-config", "--config", self.config)


class Lmtp(Served):
    @classmethod
    def setUpClass(cls):
        cls.server = LmtpServer()
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        for name in ["full@example.org", "off@example.org"]:
            cls.server.gatepost(
                "account", "--config", cls.server.config, "add", name, "--password-stdin", stdin=PASSWORD + "\n"
            )
        cls.server.gatepost("account", "--config", cls.server.config, "quota", "full@example.org", "--storage", "1KB")
        cls.server.gatepost("account", "--config", cls.server.config, "disable", "off@example.org")

    def both(self):
        """A client on each kind of socket."""
        yield smtplib.LMTP(str(self.server.socket))
        yield smtplib.LMTP("127.0.0.1", self.server.lmtp)

    def inbox(self):
        with self.server.session() as imap:
            self.ok(imap.select("INBOX"))
            bodies = self.bodies(imap)
            if not bodies:
                return []
            self.ok(imap.store("1:*", "+FLAGS.SILENT", r"(\Deleted)"))
            self.ok(imap.expunge())
        return list(bodies.values())

    def test_a_message_comes_in_over_both_kinds_of_socket(self):
        for client in self.both():
            with client:
                self.assertEqual(client.sendmail("ann@example.net", [USER], NOTE), {})
            (message,) = self.inbox()
            self.assertTrue(message.endswith(b"\r\n" + NOTE), message)
            lines = message.split(b"\r\n")
            self.assertEqual(lines[:2], [b"Return-Path: <ann@example.net>", b"Delivered-To: " + USER.encode()])
            self.assertTrue(lines[2].startswith(b"Received: from "), lines[2])

    def test_the_socket_has_the_mode_that_was_set(self):
        mode = os.stat(self.server.socket).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o660)

    def test_each_recipient_is_answered(self):
        names = [USER, "nobody@example.org", "full@example.org", "off@example.org", USER.replace("@", "+Sent@")]
        with smtplib.LMTP(str(self.server.socket)) as client:
            client.ehlo()
            client.mail("ann@example.net")
            codes = [client.rcpt(name)[0] for name in names]
            self.assertEqual(codes, [250, 550, 250, 450, 250])
            # smtplib's data() reads one reply; the others are read as LMTP has them (RFC 2033, 4.2).
            client.putcmd("data")
            self.assertEqual(client.getreply()[0], 354)
            client.send(NOTE + b"x" * 2000 + b"\r\n.\r\n")
            self.assertEqual([client.getreply()[0] for _ in range(3)], [250, 452, 250])
        self.assertEqual(len(self.inbox()), 1)
        log = self.server.read_log()
        self.assertIn('delivery.accepted', log)
        for reason in ["no-account", "over-quota", "disabled"]:
            self.assertIn(f"reason={reason}", log)
        self.assertNotIn("A dot, and 8 bits", log)

    def test_the_postmaster_is_whom_the_settings_name(self):
        for names, codes in [(None, (550, 550)), (USER, (250, 250)), ("gone@example.org", (450, 450))]:
            server = LmtpServer(**({"postmaster": names} if names else {}))
            self.addCleanup(server.remove)
            note = "lmtp.postmaster" in server.gatepost("check-config", "--config", server.config)
            self.assertEqual(note, names is None)
            server.start()
            with smtplib.LMTP(str(server.socket)) as client:
                client.ehlo()
                client.mail("ann@example.net")
                told = client.rcpt("PostMaster")[0], client.rcpt("postmaster@example.org")[0]
                self.assertEqual(told, codes)
            server.stop()

    def test_a_large_message_for_several_accounts(self):
        large = b"Subject: large\r\n\r\n" + b"0123456789" * 7 + b"\r\n"
        large += (b"x" * 76 + b"\r\n") * 30_000
        with smtplib.LMTP("127.0.0.1", self.server.lmtp) as client:
            refused = client.sendmail("ann@example.net", ["full@example.org", USER], large)
        self.assertEqual({name: code for name, (code, _) in refused.items()}, {"full@example.org": 452})
        (message,) = self.inbox()
        self.assertTrue(message.endswith(b"\r\n" + large))

    def test_a_session_in_idle_is_told_at_once(self):
        with self.server.session() as imap:
            self.ok(imap.select("INBOX"))
            imap.send(b"x IDLE\r\n")
            self.assertTrue(imap.readline().startswith(b"+ "))
            with smtplib.LMTP(str(self.server.socket)) as client:
                client.sendmail("", [USER], NOTE)
            self.assertRegex(imap.readline(), rb"^\* \d+ EXISTS")
            imap.send(b"DONE\r\n")
            while not imap.readline().startswith(b"x OK"):
                pass
        self.assertEqual(len(self.inbox()), 1)

    def test_a_message_within_a_message_stays_one(self):
        for ending in [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n"]:
            with smtplib.LMTP(str(self.server.socket)) as client:
                client.ehlo()
                client.mail("ann@example.net")
                client.rcpt(USER)
                client.putcmd("data")
                self.assertEqual(client.getreply()[0], 354)
                client.send(b"Subject: first" + ending + b"MAIL FROM:<b@example.net>\r\n.\r\n")
                self.assertEqual(client.getreply()[0], 550)
                self.assertEqual(client.noop()[0], 250)
        self.assertEqual(self.inbox(), [])

    def test_what_was_acknowledged_outlives_a_kill(self):
        server = LmtpServer()
        self.addCleanup(server.remove)
        server.start()
        with smtplib.LMTP(str(server.socket)) as client:
            client.sendmail("ann@example.net", [USER], NOTE)
            server.process.kill()
            server.process.wait()
        self.assertTrue(server.socket.exists())
        server.start()
        with server.session() as imap:
            self.ok(imap.select("INBOX"))
            self.assertEqual(len(self.bodies(imap)), 1)
        server.stop()
        self.assertFalse(server.socket.exists())

    def test_a_stopping_server_says_so(self):
        server = LmtpServer()
        self.addCleanup(server.remove)
        server.start()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(server.socket))
            reader = client.makefile("rb")
            self.assertTrue(reader.readline().startswith(b"220 "))
            server.stop()
            self.assertTrue(reader.readline().startswith(b"421 4.3.2 "))
            self.assertEqual(reader.read(), b"")
        self.assertIn("protocol=lmtp", server.read_log())

    def test_there_are_no_more_connections_than_were_set(self):
        server = LmtpServer()
        self.addCleanup(server.remove)
        text = server.config.read_text()
        server.config.write_text(text.replace("[lmtp]\n", "[lmtp]\nconnections = 1\n"))
        server.start()
        with smtplib.LMTP(str(server.socket)) as first:
            with socket.create_connection(("127.0.0.1", server.lmtp)) as second:
                self.assertTrue(second.makefile("rb").readline().startswith(b"421 4.3.2 "))
            self.assertEqual(first.sendmail("ann@example.net", [USER], NOTE), {})
        server.stop()

    def test_a_network_that_is_not_named_is_turned_away(self):
        server = LmtpServer()
        self.addCleanup(server.remove)
        text = server.config.read_text()
        server.config.write_text(text.replace("[lmtp]\n", '[lmtp]\nnetworks = ["192.0.2.0/24"]\n'))
        server.start()
        with socket.create_connection(("127.0.0.1", server.lmtp)) as client:
            self.assertTrue(client.makefile("rb").readline().startswith(b"421 4.7.1 "))
        with smtplib.LMTP(str(server.socket)) as client:
            self.assertEqual(client.sendmail("ann@example.net", [USER], NOTE), {})
        server.stop()
