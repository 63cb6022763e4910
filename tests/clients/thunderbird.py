"""Debian's Thunderbird before a screen that nobody sees, driven through Marionette. What it can do is in thunderbird.js."""

import base64
import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import ssl
import subprocess
import tempfile
import time

from marionette import Marionette
from server import HOST, PASSWORD, USER

# How long it may take to start, or a script to run, in seconds; scripts give up after 120 themselves, and say what for.
PATIENCE = 180

HELPERS = pathlib.Path(__file__).with_name("thunderbird.js").read_text()

# nsMsgSocketType
STARTTLS, TLS = 2, 3

SETTINGS = {
    # Any port that is free; it is written into the profile.
    "marionette.port": 0,
    # Nobody there to welcome, to inform or to ask.
    "app.donation.eoy.version.viewed": 999,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "extensions.blocklist.enabled": False,
    "mail.inappnotifications.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mail.winsearch.firstRunDone": True,
    "mailnews.start_page.enabled": False,
    "mailnews.start_page_override.mstone": "ignore",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,none",
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "data:,none",
    "toolkit.telemetry.unified": False,
    # The network is there, whatever the machine thinks of its own.
    "network.manage-offline-status": False,
    "offline.autoDetect": False,
    # Nothing is fetched but what the user or the server gives reason for, and nobody asks back.
    "mail.server.default.autosync_offline_stores": False,
    "mail.prompt_purge_threshhold": False,
    "mailnews.mark_message_read.auto": True,
    "mailnews.mark_message_read.delay": False,
    "mail.warn_on_delete_from_trash": False,
    "mail.warn_on_shift_delete": False,
    # No draft is saved but when we say so.
    "mail.compose.autosave": False,
}


class Thunderbird:
    """A running Thunderbird with one account at our server; its own Xvfb, its own profile."""

    def __init__(self, server, port, socket_type):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gatepost-thunderbird-"))
        self.stack = contextlib.ExitStack()
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        try:
            self.start()
            ca = ssl.PEM_cert_to_DER_cert(server.ca.read_text())
            self.call(
                "makeAccount",
                {
                    "ca": base64.b64encode(ca).decode(),
                    "host": HOST,
                    "port": port,
                    "socketType": socket_type,
                    "user": USER,
                    "password": PASSWORD,
                },
            )
        except BaseException as error:
            error.add_note(self.story())
            self.stop()
            raise

    def call(self, name, *arguments):
        """Has thunderbird.js do something, and returns what that returns."""
        try:
            return self.marionette.run(f"{HELPERS}\nreturn tb[{json.dumps(name)}](...given);", *arguments)
        except Exception as error:
            error.add_note(self.story())
            raise

    def start(self):
        display = self.start_screen()
        profile = self.folder / "profile"
        profile.mkdir()
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in SETTINGS.items())
        (profile / "user.js").write_text("".join(lines))
        environment = {
            **os.environ,
            "DISPLAY": f":{display}",
            "HOME": str(self.folder),
            "MOZ_CRASHREPORTER_DISABLE": "1",
            # The mail is ours, and not every container lets a process fence itself in.
            "MOZ_DISABLE_CONTENT_SANDBOX": "1",
            "MOZ_LOG": "timestamp,sync,IMAP:4",
            "MOZ_LOG_FILE": str(self.folder / "imap"),
            "NO_AT_BRIDGE": "1",
        }
        self.console = open(self.folder / "console", "wb")
        self.stack.callback(self.console.close)
        words = ["thunderbird", "--marionette", "-remote-allow-system-access", "--no-remote", "--profile", profile]
        self.process = self.start_process(words, stdout=self.console, stderr=self.console, env=environment)
        self.marionette = Marionette(self.marionette_port(profile / "MarionetteActivePort"), PATIENCE)
        self.stack.callback(self.marionette.close)

    def start_screen(self):
        """An X server on a display that it chooses itself; it says which when it listens."""
        ours, its = os.pipe()
        self.screen = open(self.folder / "screen", "wb")
        self.stack.callback(self.screen.close)
        words = ["Xvfb", "-displayfd", str(its), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
        with open(ours) as told:
            try:
                self.start_process(words, stdout=self.screen, stderr=self.screen, pass_fds=[its])
            finally:
                os.close(its)
            if not select.select([told], [], [], PATIENCE)[0]:
                raise AssertionError("Xvfb did not start")
            return int(told.readline())

    def start_process(self, words, **how):
        """In a group of its own, which ends when this object does."""
        process = subprocess.Popen(words, start_new_session=True, stdin=subprocess.DEVNULL, **how)
        self.stack.callback(end, process)
        return process

    def marionette_port(self, file):
        """The port that it has written into its profile, as soon as it has."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"Thunderbird ended with {self.process.returncode}")
            with contextlib.suppress(FileNotFoundError, ValueError):
                return int(file.read_text())
            time.sleep(0.05)  # a file says nothing when it appears
        raise AssertionError("Thunderbird did not start")

    def idles(self, mailbox):
        """Whether what it last said about this mailbox (an ASCII name) is IDLE, and the server has agreed."""
        lines = (self.folder / "imap.moz_log").read_text(errors="replace").splitlines()
        about = [line for line in lines if f":S-{mailbox}:" in line]
        said = [number for number, line in enumerate(about) if "SendData: " in line]
        return bool(said) and about[said[-1]].endswith(" IDLE") and any(": + " in line for line in about[said[-1] :])

    def stop(self):
        self.stack.close()

    def story(self):
        """The end of what it said on its console and to the server: for whoever has to find out why a test failed."""
        found = []
        for file in ["screen", "console", *sorted(path.name for path in self.folder.glob("imap*"))]:
            with contextlib.suppress(FileNotFoundError):
                lines = (self.folder / file).read_text(errors="replace").splitlines()
                found += [f"--- Thunderbird's {file}", *lines[-150:]]
        return "\n".join(found)


def end(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
