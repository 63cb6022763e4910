"""Messages to put in and take out again."""

import os
import pathlib
import subprocess
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("GATEPOST_TEST_DATA", ROOT.parent / "shared/corpus"))


def missing():
    """Why there is no corpus; None when there is. With CI=true that is an error."""
    if (DATA / "torture").is_dir():
        return None
    if os.environ.get("CI") == "true":
        raise FileNotFoundError(f"no corpus in {DATA} (GATEPOST_TEST_DATA); in CI it must be there")
    return f"no corpus in {DATA} (GATEPOST_TEST_DATA)"


def torture():
    """(name, octets) of the difficult messages."""
    for file in sorted((DATA / "torture").glob("*.eml")):
        yield file.name, file.read_bytes()


def real():
    """(name, octets with CRLF) of the real messages."""
    for archive in sorted((DATA / "real").glob("*.tar.zst")):
        with subprocess.Popen(["zstd", "-dc", archive], stdout=subprocess.PIPE) as unpacking:
            with tarfile.open(fileobj=unpacking.stdout, mode="r|") as files:
                for file in files:
                    if file.isfile():
                        octets = files.extractfile(file).read()
                        yield f"{archive.name}/{file.name}", with_crlf(octets)


def demo():
    """(name, octets) of the messages that are in the repository."""
    for file in sorted((ROOT / "demo/mail/torture").glob("*.eml")):
        yield file.name, file.read_bytes()


def with_crlf(octets):
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
