#!/usr/bin/env python3
"""Silent sockets before login: what they cost a server, and whether logins notice (threat T-8).

    gatepost init --hostname localhost --imap 127.0.0.1:1143 --imaps 127.0.0.1:1993 --data D --config D.toml
    gatepost account add ann --password-stdin --config D.toml
    gatepost serve --config D.toml &
    bench/silent.py --pid $! --port 1993 --ca D/tls/ca.pem --account ann --password secret [--tls] [--sockets 15000]

Set limits.handshake_seconds to 120 and limits.preauth_seconds to 600, or the server ends them while this still opens others.
The sockets come from many addresses of 127.0.0.0/8, 256 of each of 64 networks, and say nothing: without --tls not
even a hello, with it nothing behind the handshake. Prints how long logins from 127.0.0.1 take without them and with them, and
what the server holds for each. Linux alone, and nothing but Python.
"""

import argparse
import select
import socket
import ssl
import statistics
import time

LOGINS = 100


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def context(ca):
    made = ssl.create_default_context(cafile=ca)
    made.check_hostname = False
    return made


def login(options, tls):
    begun = time.perf_counter()
    raw = socket.create_connection(("127.0.0.1", options.port), timeout=30)
    with tls.wrap_socket(raw) as line:
        stream = line.makefile("rwb")
        stream.readline()
        stream.write(f"a LOGIN {options.account} {options.password}\r\n".encode())
        stream.flush()
        answer = stream.readline()
    assert answer.startswith(b"a OK"), answer
    return (time.perf_counter() - begun) * 1_000


def logins(options, tls, what):
    times = sorted(login(options, tls) for _ in range(LOGINS))
    median, late, last = statistics.median(times), times[LOGINS * 95 // 100], times[-1]
    print(f"{what}: {LOGINS} logins, median {median:.1f} ms, 95 % {late:.1f} ms, worst {last:.1f} ms")


def silent(number, options, tls):
    """None where the server would not have it."""
    raw = socket.socket()
    try:
        raw.settimeout(30)
        raw.bind((f"127.{1 + number // 256 % 64}.0.{number % 256}", 0))
        raw.connect(("127.0.0.1", options.port))
        return tls.wrap_socket(raw) if options.tls else raw
    except OSError:
        raw.close()
        return None


def held_open(lines):
    """How many of them the server has not ended."""
    poll = select.poll()
    for line in lines:
        poll.register(line.fileno(), select.POLLRDHUP)
    return len(lines) - len(poll.poll(0))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--sockets", type=int, default=15_000)
    parser.add_argument("--tls", action="store_true")
    options = parser.parse_args()
    tls = context(options.ca)
    logins(options, tls, "without them")
    before = resident_kib(options.pid)
    lines = [line for n in range(options.sockets) if (line := silent(n, options, tls))]
    after = resident_kib(options.pid)
    logins(options, tls, "with them")
    held = held_open(lines)
    stage = "after the handshake" if options.tls else "before TLS"
    each = (after - before) / max(held, 1)
    print(f"{stage}: {options.sockets} came, {len(lines)} were taken, {held} are held")
    print(f"{stage}: {before} KiB resident before, {after} KiB after: {each:.2f} KiB each")


if __name__ == "__main__":
    main()
