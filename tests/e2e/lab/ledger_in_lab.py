#!/usr/bin/env python3
"""A guest with PostgreSQL on host a, and the SQL client on the laboratory's client: what is acknowledged is in the table;
a network that fails for a while costs nothing; a row that is taken away is seen. Exit code 77: impossible here, and why.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
GUEST = ROOT / 'build' / 'guest'
sys.path.insert(0, str(ROOT / 'tools' / 'lab'))
import lab  # noqa: E402

PATIENCE_S = 120


def main():
    if not (GUEST / 'disk.img').exists():
        print('there is no build/guest; scripts/build-guest makes it')
        return 77
    if shutil.which('psql') is None:
        print('psql cannot be found: the Debian package postgresql-client is needed')
        return 77
    problem = lab.enter_or_explain()
    if problem is not None:
        print(problem)
        return 77
    with tempfile.TemporaryDirectory() as folder, lab.Lab() as laboratory:
        guest = start_guest(laboratory, pathlib.Path(folder))
        test(Client(laboratory, pathlib.Path(folder)))
        must(guest.poll() is None, 'the guest runs on')
    return 0


def test(client):
    run = client.start('first')
    client.wait_for_acknowledgements('first', 200)
    code, account = client.stop(run)
    must(code == 0 and account['connections_broken'] == 0 and account['in_flight_at_end'] == 0, 'a plain run', account)
    code, verdict = client.check('first')
    must(code == 0 and verdict['acknowledged'] == verdict['in_table'] == account['acknowledged'] >= 200, 'a plain check',
         verdict)
    must(verdict['lost'] == verdict['duplicated'] == verdict['unexpected'] == 0, 'nothing is wrong', verdict)

    run = client.start('cut')
    client.wait_for_acknowledgements('cut', 50)
    client.lab.cut_client()
    time.sleep(1)
    before = client.acknowledgements('cut')
    run.terminate()  # with an answer open, which comes after the cut is mended
    client.lab.mend_client()
    code, account = client.end(run)
    must(code == 0 and account['longest_gap_ms'] >= 900 and account['connections_broken'] == 0, 'a cut network', account)
    must(account['acknowledged'] == before + 1, 'the open answer was waited for, and nothing sent after it', account)
    code, verdict = client.check('cut')
    must(code == 0 and verdict['acknowledged'] == account['acknowledged'], 'a check after a cut', verdict)

    run = client.start('broken')
    client.wait_for_acknowledgements('broken', 50)
    client.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ledger'")
    code, account = client.end(run)
    must(code == 1 and account['connections_broken'] == 1, 'a connection that the server ends', account)
    code, verdict = client.check('broken')
    must(code == 0 and verdict['earlier'] > 200, 'a check after a broken connection', verdict)

    last = verdict['in_table'] - verdict['in_flight']
    client.sql(f'delete from ledger where id = {last}; update ledger set sent_ns = 0 where id = {last - 1}')
    code, verdict = client.check('broken')
    must(code == 1 and verdict['lost'] == 1 and verdict['altered'] == 1, 'rows that were meddled with', verdict)
    client.sql('drop table ledger')
    code, verdict = client.check('broken')
    must(code == 1 and verdict['lost'] == verdict['acknowledged'] and verdict['in_table'] == 0, 'no table', verdict)


class Client:
    """The SQL client on the host `client`."""

    def __init__(self, laboratory, folder):
        self.lab = laboratory
        self._folder = folder
        self._program = os.environ.get('LOCKSTITCH_LEDGER', str(ROOT / 'build/release/tools/ledger/ledger'))

    def start(self, name):
        return self._start('run', name)

    def stop(self, run):
        run.terminate()
        return self.end(run)

    def end(self, run):
        text, _ = run.communicate(timeout=PATIENCE_S)
        return run.returncode, json.loads(text) if text else {}

    def check(self, name):
        return self.end(self._start('check', name))

    def sql(self, statements):
        return self.lab.check('client', ['psql', '-h', lab.GUEST_ADDRESS, '-U', 'postgres', '-qAtc', statements])

    def acknowledgements(self, name):
        """After 0.1 s of quiet all of them."""
        try:
            return (self._folder / name).read_text().count('\n')
        except FileNotFoundError:
            return 0

    def wait_for_acknowledgements(self, name, count):
        wait_for(lambda: self.acknowledgements(name) >= count, f'{count} acknowledgements')

    def _start(self, command, name):
        return self.lab.run('client', [self._program, command, '--host', lab.GUEST_ADDRESS, '--history',
                                       self._folder / name], stdout=subprocess.PIPE, text=True)


def start_guest(laboratory, folder):
    program = os.environ.get('LOCKSTITCH_PROGRAM', str(ROOT / 'build/release/lockstitch'))
    console = folder / 'console'
    console.touch()
    guest = laboratory.run('a', [
        program, 'run', '--memory', '512M', '--kernel', GUEST / 'vmlinuz', '--initrd', GUEST / 'initramfs.cpio',
        '--disk', f'file={GUEST / "disk.img"},mode=overlay', '--append', 'console=ttyS0 panic=-1 mitigations=off',
        '--net', 'tap=guest0', '--serial', f'file:{console}'], stdin=subprocess.DEVNULL)

    def ready():
        must(guest.poll() is None, 'the guest does not end')
        return 'LOCKSTITCH-GUEST-READY' in console.read_text(errors='replace')
    wait_for(ready, 'the guest')
    return guest


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        must(time.monotonic() < deadline, f'waiting for {what}')
        time.sleep(0.02)


def must(holds, what, seen=''):
    if not holds:
        sys.exit(f'FAILED: {what} {seen}')


if __name__ == '__main__':
    sys.exit(main())
