#!/usr/bin/env python3
"""The real server against real clients, with TLS verified in each: imaplib, imapclient, smtplib, curl, mbsync, openssl,
neomutt, Thunderbird, Postfix.

    scripts/test clients                                                         all, with what they need
    target/client-tests/bin/python tests/clients/run.py target/debug/gatepost    all, once that is there
    ... -k part-of-a-name                                                        only these

Each test class has a server of its own, in a directory of its own, on ports that were free. Beside the standard library
there is what requirements.txt names, in an environment under target/; the clients are packages of Debian.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import unittest

import server


# What a client may know of whoever started us.
INHERITED = {"CI", "GATEPOST_TEST_DATA", "PATH", "TMPDIR"}


def forget_the_surroundings(home):
    """Clients read proxies, authorities and more from the environment, and files in HOME: here they find neither."""
    for name in os.environ.keys() - INHERITED:
        del os.environ[name]
    os.environ.update(HOME=home, LC_ALL="C.UTF-8")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("binary", type=pathlib.Path, help="the gatepost binary")
    arguments.add_argument("-k", metavar="PART", action="append", help="only tests with this in their name")
    given = arguments.parse_args()
    server.BINARY = given.binary.resolve(strict=True)

    loader = unittest.TestLoader()
    if given.k:
        loader.testNamePatterns = [f"*{part}*" for part in given.k]
    tests = loader.discover(str(pathlib.Path(__file__).parent), pattern="test_*.py")
    with tempfile.TemporaryDirectory(prefix="gatepost-clients-home-") as home:
        forget_the_surroundings(home)
        result = unittest.TextTestRunner(verbosity=2, failfast=False).run(tests)
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


if __name__ == "__main__":
    main()
