"""COMPRESS=DEFLATE (RFC 4978), by zlib as clients have it, over TLS."""

import select
import socket
import ssl
import zlib

from server import HOST, PASSWORD, PATIENCE, USER, Served

PIECE = 16 << 10
NOTE = b"From: a@example.org\r\nSubject: note\r\n\r\n" + b"The lamp is lit.\r\n" * 20_000


class Deflated:
    """A signed-in connection that compresses."""

    def __init__(self, server, starttls=False, flush=zlib.Z_SYNC_FLUSH):
        self.flush, self.lines, self.wire = flush, b"", 0
        self.out = self.back = None
        self.socket = socket.create_connection((HOST, server.imap if starttls else server.imaps), PATIENCE)
        if starttls:
            self.line()
            self.command("s STARTTLS")
        self.socket = server.context().wrap_socket(self.socket, server_hostname=HOST)
        if not starttls:
            self.line()
        quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        self.command(f'l LOGIN {USER} "{quoted}"')
        self.capabilities = self.command("c CAPABILITY")[0]
        assert self.command("z COMPRESS DEFLATE")[-1].startswith(b"z OK")
        self.out, self.back = zlib.compressobj(6, zlib.DEFLATED, -15), zlib.decompressobj(-15)

    def send(self, octets):
        if self.out:
            octets = self.out.compress(octets) + self.out.flush(self.flush)
            if self.flush == zlib.Z_FINISH:
                self.out = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.socket.sendall(octets)

    def line(self):
        while b"\r\n" not in self.lines:
            octets = self.socket.recv(1 << 16)
            assert octets, "the server hung up"
            self.wire += len(octets)
            self.lines += self.back.decompress(octets) if self.back else octets
        line, _, self.lines = self.lines.partition(b"\r\n")
        return line

    def pour(self, octets):
        """Sends octets of any kind until all are gone or the server has had enough; what it said meanwhile.

        One thread does both: an SSL socket is not for two.
        """
        said, unsent = b"", memoryview(octets)
        self.socket.setblocking(False)
        while True:
            try:
                while unsent:
                    unsent = unsent[self.socket.send(unsent[:PIECE]):]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            except OSError:
                unsent = unsent[:0]  # nobody listens any more; what was said to us can still be read
            try:
                while heard := self.socket.recv(PIECE):
                    said += self.back.decompress(heard)
                return said
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            writable = [self.socket] if unsent else []
            assert any(select.select([self.socket], writable, [], PATIENCE)), "the server has stopped"

    def command(self, text):
        """The lines up to the tagged one."""
        self.send(text.encode() + b"\r\n")
        return self.answer(text.split()[0])

    def answer(self, tag):
        lines = [self.line()]
        while not lines[-1].startswith(tag.encode() + b" "):
            lines.append(self.line())
        return lines


class Compress(Served):
    def connect(self, **how):
        line = Deflated(self.server, **how)
        self.addCleanup(line.socket.close)
        return line

    def test_whatever_flush_a_client_uses_its_command_is_answered_at_once(self):
        for flush in [zlib.Z_PARTIAL_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_FINISH]:
            line = self.connect(flush=flush)
            for number in range(3):
                self.assertEqual(line.command(f"a{number} NOOP"), [b"a%d OK NOOP completed" % number], flush)

    def test_behind_starttls_it_works_too_and_is_told_no_more(self):
        line = self.connect(starttls=True)
        self.assertIn(b"COMPRESS=DEFLATE", line.capabilities)
        self.assertNotIn(b"COMPRESS=DEFLATE", line.command("a CAPABILITY")[0])
        self.assertIn(b"[COMPRESSIONACTIVE]", line.command("b COMPRESS DEFLATE")[0])

    def test_a_message_goes_in_and_out_and_is_smaller_on_its_way(self):
        line = self.connect()
        line.send(b"a APPEND INBOX {%d}\r\n" % len(NOTE))
        self.assertTrue(line.line().startswith(b"+ "))
        line.send(NOTE + b"\r\n")
        self.assertIn(b"a OK", line.answer("a")[-1])
        line.command("b SELECT INBOX")
        before = line.wire
        lines = line.command("c FETCH * BODY.PEEK[]")
        self.assertIn(NOTE, b"\r\n".join(lines))
        self.assertLess(line.wire - before, len(NOTE) / 10)

    def test_idle_is_told_at_once(self):
        line = self.connect()
        line.command("a CREATE Idle")
        line.command("b SELECT Idle")
        line.send(b"c IDLE\r\n")
        self.assertEqual(line.line(), b"+ idling")
        with self.server.session() as imap:
            self.ok(self.append(imap, "Idle", b"Subject: x\r\n\r\nx\r\n"))
        self.assertEqual(line.line(), b"* 1 EXISTS")
        line.send(b"DONE\r\n")
        self.assertIn(b"c OK", line.answer("c")[-1])

    def test_what_is_no_deflate_is_told_so_and_ends(self):
        line = self.connect()
        line.socket.sendall(b"a NOOP\r\n")
        self.assertTrue(line.line().startswith(b"* BYE What you send cannot be understood"))

    def test_a_bomb_ends_its_connection_and_takes_no_memory(self):
        line = self.connect()
        before = self.memory()
        zeros = bytes(1 << 20)
        squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
        # A gibibyte, which nobody may have to read to the end.
        bomb = b"".join(squeeze.compress(zeros) for _ in range(1 << 10)) + squeeze.flush()
        said = line.pour(bomb)
        self.assertRegex(said, rb"(^|\n)\* BYE [^\r\n]+\r\n$")
        self.assertLess(self.memory() - before, 32 << 20)
        self.connect()  # others are served as before

    def memory(self):
        """What the server holds, in octets."""
        status = open(f"/proc/{self.server.process.pid}/status").read()
        return int(status.partition("VmRSS:")[2].split()[0]) << 10
