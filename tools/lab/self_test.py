"""The laboratory's test of itself: every path carries, and every fault has its effect and no other."""

import contextlib
import fcntl
import os
import socket
import struct
import sys
import threading
import time

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
PATIENCE_S = 3.0  # for what must arrive
QUIET_S = 0.25  # for what must not
LINK_PORT = 7777


def run(make_lab):
    """Prints a line per claim. Returns the exit code."""
    started = time.monotonic()
    failures = 0
    with make_lab() as lab:
        built = time.monotonic()
        print(f'built in {built - started:.2f} s', flush=True)
        for claim, holds in claims(lab):
            print(f'{"ok" if holds else "FAILED"}: {claim}', flush=True)
            failures += not holds
        print(f'round trip through the idle wire: {1e6 * best_round_trip_s(lab):.0f} us')
    print(f'{"everything works" if failures == 0 else f"{failures} claims fail"}; {time.monotonic() - started:.1f} s')
    return 0 if failures == 0 else 1


def claims(lab):
    yield from path_claims(lab)
    yield from link_claims(lab)
    yield from plug_claims(lab)


def path_claims(lab):
    yield 'the synchronisation link carries', ping(lab, 'a', '192.168.77.2') is not None
    for host in 'ab':
        yield f'{host} reaches the witness', ping(lab, host, '192.168.78.3') is not None
    yield 'a reaches b over the arbiter network', ping(lab, 'a', '192.168.78.2') is not None
    for host in 'ab':
        with FakeGuest(lab, host):
            yield f'the client reaches a machine on {host}', ping(lab, 'client', '10.0.2.15') is not None
    yield 'the client does not reach a machine that is not there', ping(lab, 'client', '10.0.2.15', QUIET_S) is None
    yield 'the networks are separate', ping(lab, 'client', '192.168.78.1', QUIET_S) is None


def link_claims(lab):
    with Wiretap(lab) as link:
        yield 'datagrams pass both ways', link.passes('a', 'b') and link.passes('b', 'a')
        for cut, carries_ab, carries_ba in (('ab', False, True), ('ba', True, False), ('both', False, False)):
            lab.cut_link(cut)
            holds = link.passes('a', 'b') == carries_ab and link.passes('b', 'a') == carries_ba
            lab.mend_link()
            yield f'cut_link({cut!r}) cuts that and no more', holds
        yield 'mend_link mends', link.passes('a', 'b') and link.passes('b', 'a')

        lab.delay_link(60)
        round_trip_s = ping(lab, 'a', '192.168.77.2')
        yield 'delay_link(60) delays both ways', round_trip_s is not None and round_trip_s >= 0.120
        lab.delay_link(20, jitter_ms=20)
        numbers = link.numbers_of(100)
        yield 'jitter loses nothing and keeps the order', numbers == list(range(100))
        lab.reset_link()

        lab.lose_link(100)
        yield 'lose_link(100) loses everything', not link.passes('a', 'b')
        lab.lose_link(30, seed=7)
        arrived = len(link.numbers_of(500))
        yield f'lose_link(30) loses some ({500 - arrived} of 500)', 50 < 500 - arrived < 250
        lab.reset_link()
        yield 'reset_link makes the link sound again', link.numbers_of(500) == list(range(500))


def plug_claims(lab):
    with FakeGuest(lab, 'a'):
        for name, cut, mend in (('cut_client', lab.cut_client, lab.mend_client),
                                ('cut_uplink', lambda: lab.cut_uplink('a'), lambda: lab.mend_uplink('a'))):
            cut()
            yield f'{name} cuts the client from the machine', ping(lab, 'client', '10.0.2.15', QUIET_S) is None
            mend()
            yield f'what {name} cut can be mended', ping(lab, 'client', '10.0.2.15') is not None
        lab.cut_uplink('b')
        yield 'the uplink of b does not matter to a machine on a', ping(lab, 'client', '10.0.2.15') is not None
        lab.mend_uplink('b')
    lab.cut_arbiter('a')
    yield 'cut_arbiter cuts a from the witness', ping(lab, 'a', '192.168.78.3', QUIET_S) is None
    yield 'and not b', ping(lab, 'b', '192.168.78.3') is not None
    yield 'and not a from b', ping(lab, 'a', '192.168.77.2') is not None
    lab.mend_arbiter('a')
    yield 'mend_arbiter mends', ping(lab, 'a', '192.168.78.3') is not None


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ping(lab, host, address, patience_s=PATIENCE_S):
    """Echo requests (RFC 792) until one is answered. Returns its round trip in seconds, or None."""
    deadline = time.monotonic() + patience_s
    identity = os.getpid() & 0xFFFF
    sent = {}
    with contextlib.closing(lab.socket(host, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)) as wire:
        wire.settimeout(0.2)
        while time.monotonic() < deadline:
            sequence = len(sent)
            message = struct.pack('!BBHHH', 8, 0, 0, identity, sequence)
            message = struct.pack('!BBHHH', 8, 0, checksum(message), identity, sequence)
            sent[sequence] = time.monotonic()
            try:
                wire.sendto(message, (address, 0))
                while time.monotonic() < deadline:
                    packet = wire.recv(2048)
                    answer = packet[4 * (packet[0] & 15):]
                    kind, _, _, whose, which = struct.unpack('!BBHHH', answer[:8])
                    if kind == 0 and whose == identity and which in sent:
                        return time.monotonic() - sent[which]
            except TimeoutError:
                continue
            except OSError:  # no route yet
                time.sleep(0.02)
    return None


def best_round_trip_s(lab):
    return min(ping(lab, 'a', '192.168.77.2') or PATIENCE_S for _ in range(20))


class Wiretap:
    """Datagrams over the synchronisation link, which tell the two directions apart."""

    def __init__(self, lab):
        self._sockets = {}
        for host, address in (('a', '192.168.77.1'), ('b', '192.168.77.2')):
            self._sockets[host] = lab.socket(host, socket.AF_INET, socket.SOCK_DGRAM)
            self._sockets[host].bind((address, LINK_PORT))
        self._mark = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self._sockets.values():
            each.close()

    def passes(self, sender, receiver):
        self._mark += 1
        mark = b'mark %d' % self._mark
        for _ in range(3):
            self._send(sender, mark)
        return mark in self._received(receiver, QUIET_S, until=mark)

    def numbers_of(self, count):
        """Sends that many numbered datagrams from a to b. Returns the numbers that arrived, as they did."""
        self._mark += 1
        prefix = b'%d:' % self._mark
        arrived = []
        for number in range(count):
            self._send('a', prefix + b'%d' % number)
            if number % 50 == 49:  # the receiver's buffer, which holds some 200, is no part of the test
                arrived += self._received('b', 0.01, until=None)
        last = prefix + b'%d' % (count - 1)
        if last not in arrived:
            arrived += self._received('b', QUIET_S, until=last)
        return [int(item.removeprefix(prefix)) for item in arrived if item.startswith(prefix)]

    def _send(self, sender, data):
        address = '192.168.77.2' if sender == 'a' else '192.168.77.1'
        self._sockets[sender].sendto(data, (address, LINK_PORT))

    def _received(self, receiver, quiet_s, until):
        found = []
        self._sockets[receiver].settimeout(quiet_s)
        with contextlib.suppress(TimeoutError):
            while until not in found:
                found.append(self._sockets[receiver].recv(2048))
        return found


class FakeGuest:
    """Stands in for a machine on guest0: answers ARP (RFC 826) and pings for 10.0.2.15, after it has announced itself."""

    ADDRESS = socket.inet_aton('10.0.2.15')
    MAC = bytes.fromhex('525400123456')

    def __init__(self, lab, host):
        with lab.inside(host):
            self._tap = os.open('/dev/net/tun', os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(self._tap, TUNSETIFF, struct.pack('16sH22x', b'guest0', IFF_TAP | IFF_NO_PI))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._answer, daemon=True)

    def __enter__(self):
        os.set_blocking(self._tap, False)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        os.close(self._tap)

    def _arp(self, operation, to_mac, to_address):
        return (to_mac + self.MAC + struct.pack('!HHHBBH', 0x0806, 1, 0x0800, 6, 4, operation) + self.MAC + self.ADDRESS +
                to_mac + to_address)

    def _announce(self):
        """The bridges learn where the machine is now, as after a take-over."""
        with contextlib.suppress(OSError):
            os.write(self._tap, self._arp(1, b'\xff' * 6, self.ADDRESS))

    def _answer(self):
        announced = 0
        while not self._ended.is_set():
            # The bridge takes a while to see that the TAP has a carrier, and loses what comes earlier.
            if time.monotonic() - announced > 0.1:
                announced = time.monotonic()
                self._announce()
            try:
                answer = self._answer_to(os.read(self._tap, 2048))
                if answer is not None:
                    os.write(self._tap, answer)
            except BlockingIOError:
                time.sleep(0.001)
            except OSError as problem:
                print(f'the fake machine: {problem}', file=sys.stderr)
                return

    def _answer_to(self, frame):
        kind = frame[12:14]
        if kind == b'\x08\x06' and frame[20:22] == b'\x00\x01' and frame[38:42] == self.ADDRESS:
            return self._arp(2, frame[22:28], frame[28:32])
        if kind == b'\x08\x00' and frame[23] == 1 and frame[30:34] == self.ADDRESS and frame[34] == 8:
            header = frame[14:26] + frame[30:34] + frame[26:30]  # both addresses swapped: the header's checksum stays
            echo = b'\x00\x00' + b'\x00\x00' + frame[38:]
            echo = echo[:2] + struct.pack('!H', checksum(echo + b'\x00' * (len(echo) % 2))) + echo[4:]
            return frame[6:12] + self.MAC + kind + header + echo
        return None
