#!/usr/bin/env python3
"""Runs a command on a real kvm_amd, on a machine that has none: in a Linux that QEMU runs on an emulated AMD processor.

usage: rig.py [options] -- COMMAND [ARGUMENT]...

The exit code is the command's. Else 64: wrong usage; 66: an input is missing; 69: this machine lacks something;
70: the rig failed; 75: the time was over; 77: --check-qemu finds that the rig cannot run here.
"""
import argparse
import contextlib
import hashlib
import io
import lzma
import os
import pathlib
import re
import secrets
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
MODULES = ('kvm_amd', 'virtio_pci', 'virtio_console', 'virtio_blk')
# Folders that are links on a system with /usr merged.
MERGED = ('bin', 'lib', 'lib64', 'sbin')
QEMU = 'qemu-system-x86_64'
# With a thread for each processor QEMU 7.2 may keep running code that another processor has just changed. Linux changes
# its code whenever a virtual machine is made, and then one run in fifteen hangs.
ACCELERATOR = 'tcg,thread=single'
# Five-level page tables and byte-wise copies are what emulation is slowest at.
CPU = 'max,la57=off,erms=off'
# KVM treats guests' clocks otherwise where Linux distrusts the TSC, as it does under emulation unless told not to.
APPEND = 'console=ttyS0 quiet panic=-1 tsc=reliable mitigations=off nokaslr cryptomgr.notests init_on_alloc=0'


class Failed(Exception):
    def __init__(self, code, sentence):
        super().__init__(sentence)
        self.code = code


def say(sentence):
    print(f'kvm-rig: {sentence}', file=sys.stderr, flush=True)


# -- the initramfs ----------------------------------------------------------------------------------------------------

class Archive:
    """A cpio archive as the kernel wants it. The kernel unpacks several that follow each other."""

    def __init__(self, output):
        self._output = output
        self._folders = {''}

    def _entry(self, path, mode, size):
        name = path.encode() + b'\0'
        fields = (0, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name), 0)
        self._output.write(b'070701' + b''.join(b'%08x' % field for field in fields) + name)
        self._pad(6 + 8 * len(fields) + len(name))

    def _pad(self, size):
        self._output.write(bytes(-size % 4))

    def _place(self, path):
        """The path's name in the archive; the folders above it are in the archive then."""
        parts = [part for part in str(path).split('/') if part]
        if parts[0] in MERGED:
            parts.insert(0, 'usr')
        for depth in range(1, len(parts)):
            self._folder_entry('/'.join(parts[:depth]))
        return '/'.join(parts)

    def _folder_entry(self, name):
        if name not in self._folders:
            self._folders.add(name)
            self._entry(name, stat.S_IFDIR | 0o755, 0)

    def folder(self, path):
        self._folder_entry(self._place(path))

    def merged_folders(self):
        for name in MERGED:
            self.folder(f'/usr/{name}')
            self._link_entry(name, f'usr/{name}')

    def _link_entry(self, name, target):
        data = os.fsencode(target)
        self._entry(name, stat.S_IFLNK | 0o777, len(data))
        self._output.write(data)
        self._pad(len(data))

    def link(self, path, target):
        self._link_entry(self._place(path), target)

    def data(self, path, data, mode=0o644):
        self._entry(self._place(path), stat.S_IFREG | mode, len(data))
        self._output.write(data)
        self._pad(len(data))

    def file(self, path, source):
        if source.stat().st_size >= 1 << 30:
            raise Failed(64, f'{source} is too large for memory: give it with --big-file.')
        self.data(path, source.read_bytes(), 0o755 if os.access(source, os.X_OK) else 0o644)

    def tree(self, path, source):
        """A file or a folder with what is in it; links inside a folder stay links."""
        if source.is_file():
            self.file(path, source)
        if not source.is_dir():
            return
        self.folder(path)
        for child in sorted(source.iterdir()):
            if child.is_symlink():
                self.link(f'{path}/{child.name}', os.readlink(child))
            else:
                self.tree(f'{path}/{child.name}', child)

    def end(self):
        self._entry('TRAILER!!!', 0, 0)


def read_package(package, wanted):
    """The files of a Debian package whose path matches, as {path: contents}."""
    unpacked = subprocess.Popen(['dpkg-deb', '--fsys-tarfile', package], stdout=subprocess.PIPE)
    files = {}
    with tarfile.open(fileobj=unpacked.stdout, mode='r|') as archive:
        for member in archive:
            if member.isfile() and re.search(wanted, member.name):
                files[member.name] = archive.extractfile(member).read()
    unpacked.stdout.read()
    if unpacked.wait() != 0:
        raise Failed(69, f'{package} cannot be unpacked: delete it and run scripts/build-guest again.')
    return files


def load_order(modules, roots):
    """The names of the roots and all they depend on, dependencies first. Each module tells its own."""
    order = []

    def visit(name):
        if name not in modules:
            raise Failed(69, f'the kernel package has no module {name}: run scripts/build-guest again.')
        depends = re.search(rb'\0depends=([^\0]*)\0', modules[name])
        for needed in filter(None, depends.group(1).decode().split(',')):
            visit(needed.replace('-', '_'))
        if name not in order:
            order.append(name)

    for root in roots:
        visit(root)
    return order


def find_package(folder, pattern):
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime)
    if not found:
        raise Failed(69, f'{folder} has no {pattern}: run scripts/build-guest.')
    return found[-1]


def find_packages(folder):
    return (find_package(folder, 'linux-image-*-cloud-amd64_*.deb'), find_package(folder, 'busybox-static_*.deb'))


def read_kernel(package):
    """vmlinuz, and all modules as {name: contents}."""
    files = read_package(package, r'/boot/vmlinuz-|\.ko(\.xz)?$')
    kernel = next(data for path, data in files.items() if '/boot/' in path)
    modules = {}
    for path, data in files.items():
        name, dot_ko, packed = path.rsplit('/', 1)[1].partition('.ko')
        if dot_ko:
            modules[name.replace('-', '_')] = lzma.decompress(data) if packed else data
    return kernel, modules


def make_base(folder, kernel_package, busybox_package):
    """vmlinuz and base.cpio: all but what is asked for on the command line."""
    kernel, modules = read_kernel(kernel_package)
    (folder / 'vmlinuz').write_bytes(kernel)
    (busybox,) = read_package(busybox_package, r'/bin/busybox$').values()
    program = folder / 'busybox'
    program.write_bytes(busybox)
    program.chmod(0o755)
    applets = subprocess.run([program, '--list'], capture_output=True, check=True, text=True).stdout.split()
    with open(folder / 'base.cpio', 'wb') as output:
        archive = Archive(output)
        archive.merged_folders()
        for name in ('dev', 'proc', 'root', 'run', 'sys', 'tmp'):
            archive.folder(name)
        archive.data('init', (HERE / 'init').read_bytes(), 0o755)
        archive.data('bin/busybox', busybox, 0o755)
        for applet in applets:
            if applet != 'busybox':
                archive.link(f'bin/{applet}', 'busybox')
        order = load_order(modules, MODULES)
        archive.data('lib/modules/order', lines(order))
        for name in order:
            archive.data(f'lib/modules/{name}.ko', modules[name])
        archive.data('etc/passwd', b'root:x:0:0:root:/root:/bin/sh\n')
        archive.data('etc/group', b'root:x:0:\n')
        archive.data('etc/hosts', b'127.0.0.1 localhost kvm-rig\n')
        archive.end()


def cached_base(work, packages):
    """The folder with vmlinuz and base.cpio."""
    found = find_packages(packages)
    key = hashlib.sha256()
    for path in (*found, HERE / 'init', HERE / 'rig.py'):
        key.update(hashlib.sha256(path.read_bytes()).digest())
    folder = work / f'base-{key.hexdigest()[:16]}'
    if not folder.exists():
        say('unpacking the kernel')
        made = pathlib.Path(tempfile.mkdtemp(prefix='new-', dir=work))
        try:
            make_base(made, *found)
            for old in work.glob('base-*'):
                shutil.rmtree(old, ignore_errors=True)
            with contextlib.suppress(OSError):  # another rig was faster
                made.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return folder


def find_program(name):
    path = pathlib.Path(name) if '/' in name else shutil.which(name)
    if path is None or not os.access(path, os.X_OK) or os.path.isdir(path):
        raise Failed(66, f'{name} is no program: build it first, or name another with --program.')
    return pathlib.Path(path).absolute()


def libraries(program):
    """What the dynamic loader would load, and the loader; nothing for a static program or a script."""
    listed = subprocess.run(['ldd', program], capture_output=True, text=True)
    if listed.returncode != 0:
        return []
    lost = re.findall(r'^\s*(\S+) => not found', listed.stdout, re.MULTILINE)
    if lost:
        raise Failed(69, f'{program} needs {", ".join(lost)}, which this machine does not have: install it.')
    return [pathlib.Path(path) for path in re.findall(r'(?:=> |^\s*)(/\S+) \(0x', listed.stdout, re.MULTILINE)]


def add_programs(archive, names):
    added = set()
    for name in names:
        program = find_program(name)
        for path in (program, *libraries(program)):
            if path not in added:
                added.add(path)
                archive.file(path, path)
        if program.parent != pathlib.Path('/usr/local/bin'):
            archive.link(f'/usr/local/bin/{program.name}', program)


def lines(words):
    return ''.join(f'{word}\n' for word in words).encode()


def command_script(command, environment):
    exports = [f'export {name}={shlex.quote(value)}' for name, value in environment]
    return lines(['cd /root', *exports, f'exec {shlex.join(command)}'])


def write_initrd(output, base, options, mark):
    with open(base, 'rb') as first:
        shutil.copyfileobj(first, output)
    archive = Archive(output)
    archive.data('rig/command', command_script(options.command, options.env))
    archive.data('rig/mark', lines([mark]))
    archive.data('rig/now', lines([int(time.time())]))
    archive.data('rig/disks', lines(f'{number} {guest}' for number, (_, guest) in enumerate(options.big_file)))
    archive.data('rig/collect', lines(guest.lstrip('/') for guest, _ in options.collect))
    add_programs(archive, options.program)
    for host, guest in options.file:
        archive.tree(guest, pathlib.Path(host))
    archive.end()
    output.flush()


# -- QEMU -------------------------------------------------------------------------------------------------------------

def qemu_command(options, base, initrd, port):
    command = [QEMU, '-accel', ACCELERATOR, '-machine', 'pc', '-cpu', CPU, '-m', options.memory,
               '-smp', str(options.cpus), '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none',
               '-kernel', base / 'vmlinuz', '-initrd', f'/proc/self/fd/{initrd}', '-append', APPEND,
               '-serial', f'file:{escaped(options.console)}',
               '-device', 'virtio-serial-pci', '-chardev', f'socket,id=port,fd={port}',
               '-device', 'virtserialport,chardev=port']
    for number, (host, _) in enumerate(options.big_file):
        command += ['-drive', f'if=none,id=disk{number},format=raw,snapshot=on,file={escaped(host)}',
                    '-device', f'virtio-blk-pci,drive=disk{number},serial={number}']
    return [str(word) for word in command]


def escaped(path):
    """As QEMU wants a value between commas."""
    return str(path).replace(',', ',,')


class Machine:
    """QEMU from `with` to its end, and the port on which the guest talks."""

    def __init__(self, options, base, initrd, log, deadline):
        self._options, self._log, self._deadline = options, log, deadline
        self._pending = b''
        self._socket, theirs = socket.socketpair()
        with theirs:
            command = qemu_command(options, base, initrd.fileno(), theirs.fileno())
            # In a session of its own Ctrl-C reaches this program alone, which then ends QEMU.
            self._process = subprocess.Popen(['setpriv', '--pdeathsig', 'KILL', *command], stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log, pass_fds=[initrd.fileno(), theirs.fileno()],
                                             start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def section(self, mark, sink):
        """Hands what comes before the mark to sink, as it comes."""
        while True:
            at = self._pending.find(mark)
            if at >= 0:
                sink(self._pending[:at])
                self._pending = self._pending[at + len(mark):]
                return
            kept = begun(self._pending, mark)
            sink(self._pending[:len(self._pending) - kept])
            self._pending = self._pending[len(self._pending) - kept:] + self._receive()

    def _receive(self):
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._late()
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(1 << 18)
        except TimeoutError:
            raise self._late() from None
        if not data:
            raise self._dead()
        return data

    def _late(self):
        return Failed(75, f'the command did not end within {self._options.timeout:g} s and was killed: '
                          'give it longer with --timeout.')

    def _dead(self):
        code = self._process.wait()
        if code != 0:
            self._log.seek(0)
            said = self._log.read().decode(errors='replace').strip().split('\n')[0]
            return Failed(69, f'QEMU ended with code {code} ({said}): correct --memory, --cpus or --big-file.')
        console = self._options.console
        said = [line.strip() for line in console.read_text(errors='replace').split('\n') if line.strip()]
        last = ' | '.join(said[-3:]) or 'without a word'
        return Failed(70, f'the rig\'s Linux ended before the command did ({last}): '
                          f'see {console}, or give it more --memory.')


def begun(data, mark):
    """How many bytes at the end of data may be the beginning of the mark."""
    for length in range(min(len(mark) - 1, len(data)), 0, -1):
        if data.endswith(mark[:length]):
            return length
    return 0


def write_output(data):
    while data:
        data = data[os.write(sys.stdout.fileno(), data):]


def store_collected(archive, collect):
    """Copies what the guest packed to where it is wanted."""
    members = {member.name.rstrip('/'): member for member in archive if member.isfile()}
    for guest, host in collect:
        root = guest.strip('/')
        found = [name for name in members if name == root or name.startswith(f'{root}/')]
        if not found:
            raise Failed(66, f'the command left no file {guest}: look at its output, or correct --collect.')
        for name in found:
            target = pathlib.Path(host + name[len(root):])
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, 'wb') as output:
                shutil.copyfileobj(archive.extractfile(members[name]), output)


def run(options):
    """The command's exit code."""
    options.work.mkdir(parents=True, exist_ok=True)
    base = cached_base(options.work, options.packages)
    mark = secrets.token_hex(16)
    with tempfile.TemporaryFile(dir=options.work) as initrd, tempfile.TemporaryFile(dir=options.work) as log:
        write_initrd(initrd, base / 'base.cpio', options, mark)
        began = time.monotonic()
        with Machine(options, base, initrd, log, began + options.timeout) as machine:
            return follow(machine, mark.encode(), options, began)


def follow(machine, mark, options, began):
    """Reads the sections that the guest's init tells of."""
    nested_paging, code = io.BytesIO(), io.BytesIO()
    machine.section(mark, nested_paging.write)
    paging = 'on' if nested_paging.getvalue().strip() in (b'Y', b'1') else 'OFF'
    say(f'Linux with kvm_amd is up after {time.monotonic() - began:.1f} s, nested paging is {paging}')
    machine.section(mark, write_output)
    machine.section(mark, code.write)
    with tempfile.TemporaryFile(dir=options.work) as collected:
        machine.section(mark, collected.write)
        if options.collect:
            collected.seek(0)
            with tarfile.open(fileobj=collected) as archive:
                store_collected(archive, options.collect)
    return int(code.getvalue())


# -- the command line -------------------------------------------------------------------------------------------------

class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Failed(64, f'{message}; see --help.')


def pair(text):
    left, equals, right = text.partition('=')
    if not left or not equals:
        raise argparse.ArgumentTypeError(f'{text!r} is not of the form A=B')
    return left, right


def parse(argv):
    at = argv.index('--') if '--' in argv else len(argv)
    parser = Parser(prog='rig.py', usage='%(prog)s [options] -- COMMAND [ARGUMENT]...', description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    several = {'action': 'append', 'default': []}
    parser.add_argument('--program', **several, metavar='FILE', help='a program of this host, with its libraries')
    parser.add_argument('--file', **several, type=pair, metavar='HOST=GUEST', help='a file or a folder')
    parser.add_argument('--big-file', **several, type=pair, metavar='HOST=GUEST',
                        help='a disk image: GUEST is a block device; what is written to it is lost')
    parser.add_argument('--collect', **several, type=pair, metavar='GUEST=HOST',
                        help='copy a file or a folder back after the command')
    parser.add_argument('--env', **several, type=pair, metavar='NAME=VALUE')
    parser.add_argument('--memory', default='3G', metavar='SIZE')
    parser.add_argument('--cpus', type=int, default=1, metavar='N', help='they take turns of up to 100 ms')
    parser.add_argument('--timeout', type=float, default=1800, metavar='SECONDS')
    parser.add_argument('--packages', type=pathlib.Path, default=SOURCE / 'build/guest/packages', metavar='DIR',
                        help='where scripts/build-guest has put its packages')
    parser.add_argument('--work', type=pathlib.Path, default=SOURCE / 'build/kvm-rig', metavar='DIR',
                        help='what is kept between runs, and the kernel\'s console.log')
    parser.add_argument('--check-qemu', action='store_true', help='only say whether the rig can run here')
    options = parser.parse_args(argv[:at])
    options.command = argv[at + 1:]
    options.work = options.work.absolute()
    options.console = options.work / 'console.log'
    if options.cpus < 1 or options.timeout <= 0:
        parser.error('--cpus and --timeout must be more than 0')
    if not options.command and not options.check_qemu:
        parser.error('no command: put it behind --')
    return options


def check_inputs(options):
    for host, guest in (*options.file, *options.big_file):
        if not os.path.exists(host):
            raise Failed(66, f'{host} does not exist: correct --file or --big-file.')
        if not guest.startswith('/') or guest == '/':
            raise Failed(64, f'{guest!r} is no absolute path of the guest: give {host}=/PATH.')
    for name, _ in options.env:
        if not re.fullmatch(r'[A-Za-z_]\w*', name, re.ASCII):
            raise Failed(64, f'{name!r} is no name of a variable: give --env NAME=VALUE.')


def check_host(options):
    for tool, package in ((QEMU, 'qemu-system-x86'), ('dpkg-deb', 'dpkg'), ('setpriv', 'util-linux')):
        if shutil.which(tool) is None:
            raise Failed(69, f'{tool} cannot be found: install the package {package}.')
    find_packages(options.packages)


def main(argv):
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    options = None
    try:
        options = parse(argv)
        check_host(options)
        if options.check_qemu:
            return 0
        check_inputs(options)
        return run(options)
    except Failed as why:
        if options is not None and options.check_qemu:
            print(f'skipped: {why}')
            return 77
        say(why)
        return why.code
    except BrokenPipeError:
        say('nobody reads the output any more, so the command was killed.')
        return 70
    except (OSError, tarfile.TarError) as why:
        say(f'{why}.')
        return 70
    except KeyboardInterrupt:
        return 130


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
