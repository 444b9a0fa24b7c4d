#!/usr/bin/env python3
"""Looks at the screens of the guests that call the video BIOS, and says what was seen.

usage: hal.py [--build DIR] [--folder DIR] [NAME]...
"""
import argparse
import pathlib
import sys
import tempfile
import time
import zlib

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(SOURCE / 'tests/e2e/boot'))
from guest import Failed, Guest  # noqa: E402


class Looks:
    def __init__(self, build, folder):
        self.build, self.folder = pathlib.Path(build), folder

    def guest(self, name):
        disk = self.build / 'guests' / f'{name}.img'
        return Guest(self.build / 'lockstitch', self.folder, name, ['--memory', '64M', '--firmware', 'bios', '--disk', disk])

    def hal_int10(self):
        """What INT 10h wrote from virtual-8086 mode is on the screen, in its place."""
        with self.guest('hal_int10') as guest:
            guest.wait_serial('look at the text')
            guest.wait_screen('^This was written in virtual-8086 mode')
            lines = guest.screen().splitlines()
            if not lines[2].startswith('This was written'):
                raise Failed(f'not in the third line: {lines}')
            guest.press('ret')
            ended_well(guest)

    def hal_vbe(self):
        """A VBE mode's frame buffer is the picture, dot by dot, and text comes back behind it."""
        with self.guest('hal_vbe') as guest:
            guest.wait_serial('look at the picture')
            width, height, dot = picture(guest.screenshot('stripes.png'))
            if (width, height) != (1024, 768):
                raise Failed(f'the picture has {width}x{height} dots')
            colours = (0xc0, 0, 0), (0, 0xa0, 0), (0, 0, 0xe0), (0x64, 0x64, 0x64)
            for y in range(height):
                for x in (0, 1, 511, 1022, 1023):
                    if dot(x, y) != colours[y // 192]:
                        raise Failed(f'dot {x}, {y} is {dot(x, y)}')
            guest.press('ret')
            guest.wait_serial('look at the text')
            guest.wait_screen('^The screen is back in text mode')
            guest.press('ret')
            ended_well(guest)


def ended_well(guest):
    code = guest.wait_end()
    if code != 0 or not guest.serial().endswith('ok\n'):
        raise Failed(f'exit code {code}: {guest.serial()}')


def picture(path):
    """Width, height and the dot at (x, y) of a PNG with 8 bits a channel, as `lockstitch screenshot` writes it."""
    data, packed, at = path.read_bytes(), b'', 8
    width, height = int.from_bytes(data[16:20], 'big'), int.from_bytes(data[20:24], 'big')
    if data[24:29] != bytes([8, 2, 0, 0, 0]):
        raise Failed(f'not a PNG of true colour: {data[24:29]}')
    while at < len(data):
        length = int.from_bytes(data[at:at + 4], 'big')
        if data[at + 4:at + 8] == b'IDAT':
            packed += data[at + 8:at + 8 + length]
        at += length + 12
    raw, stride, rows = zlib.decompress(packed), 3 * width, []
    before = bytes(stride)
    for y in range(height):
        start = y * (stride + 1)
        row = bytearray(raw[start + 1:start + 1 + stride])
        kind = raw[start]
        if kind not in (0, 1, 2):
            raise Failed(f'row {y} is filtered by {kind}')
        if kind == 1:
            for i in range(3, stride):
                row[i] = row[i] + row[i - 3] & 255
        if kind == 2:
            row = bytearray(a + b & 255 for a, b in zip(row, before))
        before = row
        rows.append(row)
    return width, height, lambda x, y: tuple(rows[y][3 * x:3 * x + 3])


NAMES = [name for name in vars(Looks) if name.startswith('hal_')]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', default=SOURCE / 'build/release')
    parser.add_argument('--folder', help='keep what the guests said there')
    parser.add_argument('names', nargs='*', default=NAMES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        looks = Looks(options.build, options.folder or temporary)
        failed = 0
        for name in options.names:
            began = time.monotonic()
            claim = getattr(Looks, name).__doc__.splitlines()[0]
            try:
                getattr(looks, name)()
                print(f'claim holds: {name}: {claim} ({time.monotonic() - began:.1f} s)', flush=True)
            except Failed as why:
                failed += 1
                print(f'claim FAILS: {name}: {claim}\n{why}', flush=True)
        return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
