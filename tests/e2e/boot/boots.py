#!/usr/bin/env python3
"""Boots what firmware boots, and says what was seen.

usage: boots.py [--build DIR] [--media DIR] [--folder DIR] [NAME]...
"""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from guest import Failed, Guest  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[3]


class Boots:
    def __init__(self, build, media, folder):
        self.program, self.media, self.folder = pathlib.Path(build) / 'lockstitch', pathlib.Path(media), folder

    def guest(self, name, *arguments, memory='512M', command='run'):
        return Guest(self.program, self.folder, name, ['--memory', memory, *arguments], command)

    def seabios_menu(self):
        """SeaBIOS finds nothing to boot and says so; its boot menu opens by a key."""
        with self.guest('seabios_menu', '--firmware', 'bios', '--cdrom', 'empty', '--boot-menu') as guest:
            guest.wait_screen('SeaBIOS')
            guest.wait_screen('Press ESC for boot menu')
            guest.press('esc')
            guest.wait_screen(r'1\. DVD/CD')
            guest.press('1')
            guest.wait_screen('No bootable device')

    def grub_cd(self):
        """GRUB's menu on a CD is driven by keys."""
        with self.guest('grub_cd', '--cdrom', self.media / 'grub.iso') as guest:
            guest.wait_screen('Say two')
            guest.press('down')
            guest.press('ret')
            guest.wait_serial('LOCKSTITCH-TWO')
            guest.wait_screen('Say two')

    def cd_linux(self):
        """A kernel and its initramfs are read from the CD, and Linux switches the machine off by ACPI."""
        with self.guest('cd_linux', '--cdrom', self.media / 'grub.iso') as guest:
            guest.wait_screen('Debian from CD')
            guest.press('down', 'down', 'ret')
            guest.wait_serial('LOCKSTITCH-USERLAND', 300)
            if guest.wait_end() != 0:
                raise Failed('the guest did not switch itself off')

    def _disk(self, name, firmware, bus):
        disk = f'file={self.media / "pc.img"},bus={bus}'
        with self.guest(name, '--firmware', firmware, '--disk', disk, '--net', 'user') as guest:
            guest.wait_serial('Debian with PostgreSQL', 120)
            guest.wait_serial('LOCKSTITCH-GUEST-READY', 300)
            if firmware == 'bios':
                guest.wait_screen('EXT4-fs')  # what the kernel says goes to both consoles

    def disk_bios_ide(self):
        """GRUB on an IDE disk boots Debian with PostgreSQL by BIOS."""
        self._disk('disk_bios_ide', 'bios', 'ide')

    def disk_bios_virtio(self):
        """The same from virtio."""
        self._disk('disk_bios_virtio', 'bios', 'virtio')

    def disk_uefi_ide(self):
        """GRUB on an IDE disk boots Debian with PostgreSQL by UEFI."""
        self._disk('disk_uefi_ide', 'uefi', 'ide')

    def disk_uefi_virtio(self):
        """The same from virtio."""
        self._disk('disk_uefi_virtio', 'uefi', 'virtio')

    def _converted(self, kind, *arguments, command='run'):
        image = pathlib.Path(self.folder) / f'pc.{kind}'
        subprocess.run(['qemu-img', 'convert', '-O', kind, self.media / 'pc.img', image], check=True)
        with self.guest(f'disk_{kind}', '--disk', image, *arguments, command=command) as guest:
            guest.wait_serial('LOCKSTITCH-GUEST-READY', 300)

    def disk_qcow2(self):
        """Debian boots from a qcow2, and its recording replays."""
        trace = pathlib.Path(self.folder) / 'qcow2.trace'
        self._converted('qcow2', '--output', trace, command='record')
        done = subprocess.run([self.program, 'replay', trace, '--check', '--quiet'], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise Failed(f'replay: {done.stdout.decode(errors="replace")}')

    def disk_vhdx(self):
        """Debian boots from a VHDX."""
        self._converted('vhdx')

    def disk_vmdk(self):
        """Debian boots from a VMDK."""
        self._converted('vmdk')

    def hyperv_linux(self):
        """Linux takes the Hyper-V interface's clock and timers."""
        with self.guest('hyperv_linux', '--hyperv', '--disk', self.media / 'pc.img') as guest:
            guest.wait_serial('Hypervisor detected: Microsoft Hyper-V', 200)
            guest.wait_serial('hyperv_clocksource_tsc_page', 200)
            guest.wait_serial('LOCKSTITCH-GUEST-READY', 300)

    def hpet_linux(self):
        """Linux finds the high-precision event timer by ACPI and counts with it."""
        with self.guest('hpet_linux', '--hpet', '--disk', self.media / 'pc.img') as guest:
            guest.wait_serial(r'hpet0: at MMIO 0xfed00000', 200)
            guest.wait_serial('LOCKSTITCH-GUEST-READY', 300)

    def uefi_shell(self):
        """Without anything to boot OVMF ends in its shell, which runs commands and keeps variables over the end of a run."""
        variables = pathlib.Path(self.folder) / 'uefi_shell.vars'
        variables.unlink(missing_ok=True)
        for command, answer in (('ver', 'UEFI v2'), ('set kept lockstitch', 'Shell>'), ('set kept', 'lockstitch')):
            with self.guest('uefi_shell', '--firmware', 'uefi', '--uefi-vars', variables) as guest:
                guest.wait_serial('any other key to continue', 240)
                guest.press('esc')
                guest.wait_serial('Shell>', 60)
                before = len(guest.serial())
                guest.type(command + '\n')
                guest.wait(answer, lambda: answer in guest.serial()[before:], 60)

    def ipxe(self):
        """iPXE's ROM on the e1000 card gets an address from the network."""
        with self.guest('ipxe', '--boot', 'network', '--net', 'user', '--firmware', 'bios') as guest:
            guest.wait_screen('iPXE')
            guest.wait_screen(r'net0: 10\.0\.2\.15|Configuring.*ok', 120)

    def memtest(self):
        """memtest86+ runs its tests."""
        with self.guest('memtest', '--cdrom', self.media / 'grub.iso', memory='64M') as guest:
            guest.wait_screen('Memory test')
            guest.press('down', 'down', 'down', 'ret')
            guest.wait_screen('Memtest86')
            guest.wait_screen(r'Pass +[1-9]|#[3-9]', 300)

    def debian_bios(self):
        """What debootstrap installs boots by BIOS to its login prompts, and root logs in by keyboard and screen."""
        with self.guest('debian_bios', '--disk', self.media / 'debian.img') as guest:
            guest.wait_serial('lockstitch login:', 300)
            guest.wait_screen('lockstitch login:', 60)
            guest.type('root\n')
            guest.wait_screen('root@lockstitch', 120)
            guest.type('echo $((6 * 7))\n')
            guest.wait_screen(r'^42$', 60)

    def tablet_linux(self):
        """Linux drives the USB tablet, and sees a click where it was made."""
        with self.guest('tablet_linux', '--tablet', '--disk', self.media / 'debian.img') as guest:
            guest.wait_screen('lockstitch login:', 300)
            guest.type('root\n')
            guest.wait_screen('root@lockstitch', 120)
            guest.type('clear; grep -c Tablet /proc/bus/input/devices; od -An -tu2 -w24 /dev/input/by-id/*event-mouse\n')
            guest.wait_screen(r'^ *[1-9]$', 60)
            time.sleep(1)
            code, said = guest.ask('point', '4660', '22136', '1')
            if code != 0:
                raise Failed(f'point: {said}')
            # Type and code of events: 3 0 is the place across, 3 1 down, 1 272 the left button.
            guest.wait_screen(r' 3 +0 +4660 ', 60)
            guest.wait_screen(r' 3 +1 +22136 ', 60)
            guest.wait_screen(r' 1 +272 +1 ', 60)

    def debian_uefi(self):
        """The same disk boots by UEFI to its login prompt on the serial port, and its screen has a picture."""
        with self.guest('debian_uefi', '--firmware', 'uefi', '--disk', self.media / 'debian.img') as guest:
            guest.wait_serial('lockstitch login:', 300)
            if colours(guest.screenshot('login.png')) < 2:
                raise Failed('the picture is empty')

    def installer_text(self):
        """Debian's installer comes to its first question in text."""
        with self.guest('installer_text', '--cdrom', self.media / 'installer.iso', memory='1G') as guest:
            guest.wait_screen('Graphics')
            guest.press('ret')
            guest.wait_screen('Choose language|Select a language', 300)

    def installer_graphics(self):
        """Debian's installer comes to its first question in graphics."""
        with self.guest('installer_graphics', '--cdrom', self.media / 'installer.iso', memory='1G') as guest:
            guest.wait_screen('Graphics')
            guest.press('down', 'ret')
            guest.wait('a picture of many colours', lambda: colours(guest.screenshot('installer.png')) > 50, 400)

    def kernel_32(self):
        """A 32-bit kernel and userland run."""
        with self.guest('kernel_32', '--cdrom', self.media / 'installer.iso', memory='1G') as guest:
            guest.wait_screen('Graphics')
            guest.press('down', 'down', 'ret')
            guest.wait_screen('Choose language|Select a language', 400)


def colours(picture):
    """How many a PNG has: its pixels are what `lockstitch screenshot` writes, 8 bits a channel without a palette."""
    data = picture.read_bytes()
    height = int.from_bytes(data[20:24], 'big')
    packed, at = b'', 8
    while at < len(data):
        length = int.from_bytes(data[at:at + 4], 'big')
        if data[at + 4:at + 8] == b'IDAT':
            packed += data[at + 8:at + 8 + length]
        at += length + 12
    raw = zlib.decompress(packed)
    row_bytes = len(raw) // height
    return len({raw[y * row_bytes + x:y * row_bytes + x + 3] for y in range(0, height, 2)
                for x in range(1, row_bytes - 2, 3)})


NAMES = [name for name in vars(Boots) if not name.startswith('_') and name != 'guest']


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', default=SOURCE / 'build/release')
    parser.add_argument('--media', default=SOURCE / 'build/pc')
    parser.add_argument('--folder', help='keep what the guests said there')
    parser.add_argument('names', nargs='*', default=NAMES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        boots = Boots(options.build, options.media, options.folder or temporary)

        def holds(name):
            began = time.monotonic()
            claim = getattr(Boots, name).__doc__.splitlines()[0]
            try:
                getattr(boots, name)()
                print(f'claim holds: {name}: {claim} ({time.monotonic() - began:.1f} s)', flush=True)
                return True
            except Failed as why:
                print(f'claim FAILS: {name}: {claim}\n{why}', flush=True)
                return False

        # Each guest keeps one processor busy.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as side_by_side:
            return 0 if all(list(side_by_side.map(holds, options.names))) else 1


if __name__ == '__main__':
    sys.exit(main())
