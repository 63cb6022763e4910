"""Marionette, by which Mozilla's programs are driven: numbered commands and answers in JSON, each behind its length.

https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
"""

import json
import socket


class Refused(Exception):
    """What was asked for did not happen; the text is the program's own, with its JavaScript stack."""


class Marionette:
    """A session. Scripts run in the program itself, with all that its own code may do."""

    def __init__(self, port, patience):
        self.patience = patience
        self.octets, self.number = b"", 0
        self.socket = socket.create_connection(("127.0.0.1", port), patience)
        self.receive()  # it says who it is
        self.command("WebDriver:NewSession", capabilities={})
        self.command("WebDriver:SetTimeouts", script=int(patience * 1000))
        self.command("Marionette:SetContext", value="chrome")

    def command(self, name, **parameters):
        self.number += 1
        packet = json.dumps([0, self.number, name, parameters]).encode()
        self.socket.sendall(b"%d:%b" % (len(packet), packet))
        # It has its own deadline, and says more about it than ours would.
        self.socket.settimeout(self.patience + 30)
        _, number, error, result = self.receive()
        assert number == self.number, "answers come in the order of the commands"
        if error:
            raise Refused(f"{name}: {error['error']}: {error['message']}\n{error.get('stacktrace', '')}")
        return result

    def run(self, body, *arguments):
        """Runs the body of an async function, and returns what it returns."""
        script = f"""
            const done = arguments[arguments.length - 1];
            (async (...given) => {{ {body} }})(...Array.from(arguments).slice(0, -1)).then(
                value => done({{ value: value ?? null }}),
                error => done({{ error: `${{error}}\\n${{error.stack}}` }})
            );
        """
        result = self.command("WebDriver:ExecuteAsyncScript", script=script, args=arguments, sandbox="system")["value"]
        if "error" in result:
            raise Refused(result["error"])
        return result["value"]

    def receive(self):
        while b":" not in self.octets:
            self.more()
        length, _, self.octets = self.octets.partition(b":")
        while len(self.octets) < int(length):
            self.more()
        packet, self.octets = self.octets[: int(length)], self.octets[int(length) :]
        return json.loads(packet)

    def more(self):
        octets = self.socket.recv(1 << 16)
        if not octets:
            raise Refused("the program hung up")
        self.octets += octets

    def close(self):
        self.socket.close()
