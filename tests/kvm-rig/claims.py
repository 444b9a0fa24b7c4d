#!/usr/bin/env python3
"""What holds on a real kvm_amd: each claim is one run of the rig. Ends with 0 if it held, 77 if it cannot be tried here.

usage: claims.py BUILD CLAIM      BUILD: a folder with what was built; `claims.py BUILD list` names the claims

LOCKSTITCH_FULL=1: the long forms.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
GUEST = SOURCE / 'build' / 'guest'
FULL = bool(os.environ.get('LOCKSTITCH_FULL'))
SEED = os.environ.get('LOCKSTITCH_SEED', '42')
# A kernel without a TSC to rely on: no measured delays, no timer that has to be measured, no random places.
COOPERATIVE = ('console=ttyS0 earlyprintk=ttyS0 panic=-1 mitigations=off nokaslr lpj=1000000 no_timer_check '
               'noapictimer')
SQL = 'lockstitch.sql=1 lockstitch.poweroff=1'


class Rig:
    """One run of the rig. Its command's output is shown and kept."""

    def __init__(self, build):
        self.build = build
        self.arguments = [str(HERE / 'rig.py')]

    def program(self, path):
        self.arguments += ['--program', str(self.build / path)]
        return self

    def file(self, host, guest=None):
        self.arguments += ['--file', f'{host}={guest or host}']
        return self

    def env(self, **values):
        for name, value in values.items():
            self.arguments += ['--env', f'{name}={value}']
        return self

    def add(self, *arguments):
        self.arguments += [str(a) for a in arguments]
        return self

    def run(self, *command, minutes=30):
        words = self.arguments + ['--timeout', str(60 * minutes), '--', *command]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, errors='replace')
        lines = []
        for line in process.stdout:
            print(line, end='', flush=True)
            lines.append(line)
        return process.wait(), ''.join(lines)


def need(condition, sentence):
    if not condition:
        sys.exit(f'claims.py: {sentence}')


def doctest(rig, program, *arguments, minutes=30):
    code, _ = rig.env(LOCKSTITCH_SEED=SEED).run(program, '--no-colors=true', *arguments, minutes=minutes)
    return code


def with_guests(rig):
    return (rig.file(SOURCE / 'firmware' / 'guests').file(rig.build / 'guests').file(GUEST / 'vmlinuz')
            .file(GUEST / 'initramfs.cpio'))


def doctor(build):
    """doctor names the backend, finds it sound, and would run guests on it."""
    code, text = Rig(build).program('lockstitch').run('lockstitch', 'doctor', '--json')
    report = json.loads(text)
    need(code == 0 and report['kvm']['backend'] == 'SVM' and report['kvm']['sound'], 'the rig has no sound KVM')
    need(report['engines']['run']['engine'] == 'kvm', 'auto would not choose kvm')
    need(report['engines']['counting']['engine'] == 'none', 'there are performance counters in an emulated processor')
    return code


def contract(build):
    """The contract suite of all engines passes, those on KVM among them."""
    rig = Rig(build).program('tests/contract/engine/contract_engine').env(LOCKSTITCH_CASES=40 if FULL else 3)
    return doctest(rig, 'contract_engine')


def units(build):
    """The parts of the KVM engine keep their promises on a KVM that holds its own."""
    return doctest(Rig(build).program('tests/unit/kvm/unit_kvm'), 'unit_kvm')


def guests(build):
    """Test guests make the same exits on KVM, on the interpreter, and on both in turns."""
    rig = with_guests(Rig(build).program('tests/replay/kvm/replay_kvm'))
    return doctest(rig, 'replay_kvm', '-tc=every test guest*')


def kernel(build):
    """A booting Debian kernel makes the same exits on KVM as on the interpreter."""
    rig = with_guests(Rig(build).program('tests/replay/kvm/replay_kvm')).env(LOCKSTITCH_KVM_EXITS=40000 if FULL else 2000)
    return doctest(rig, 'replay_kvm', '-tc=a booting*', minutes=60)


def oracle(build):
    """KVM in single steps and the interpreter agree behind every instruction of a booting kernel."""
    rig = with_guests(Rig(build).program('tests/replay/kvm/replay_kvm'))
    rig.env(LOCKSTITCH_KVM_STEPS=1000000 if FULL else 20000)
    return doctest(rig, 'replay_kvm', '-tc=KVM in single steps*', minutes=90)


def table(build):
    """KVM in single steps and the interpreter agree on every row of the instruction table that QEMU executes exactly."""
    rig = Rig(build).program('tests/differential/differential_kvm').env(LOCKSTITCH_CASES=60 if FULL else 3)
    return doctest(rig, 'differential_kvm', minutes=60)


def debian(rig):
    return (rig.program('lockstitch').file(GUEST / 'vmlinuz', '/vmlinuz').file(GUEST / 'initramfs.cpio', '/initramfs.cpio')
            .add('--big-file', f'{GUEST / "disk.img"}=/disk.img'))


GUEST_FLAGS = '--memory 512M --kernel /vmlinuz --initrd /initramfs.cpio --disk file=/guest/disk.img --serial file:/console'
# Images are found by their names when a trace is replayed elsewhere, so the disk gets its name back.
BEFORE = 'export TMPDIR=/tmp; mkdir -p /guest; cp /disk.img /guest/disk.img; '
AFTER = '; code=$?; grep -a LOCKSTITCH /console | tr -d "\\r"; exit $code'


def sql(build):
    """A stock Debian boots under `run --engine auto`, which is kvm, and answers SQL."""
    append = f'console=ttyS0 panic=-1 mitigations=off {SQL}'
    code, text = debian(Rig(build)).run(
        'sh', '-c', f'{BEFORE} lockstitch run {GUEST_FLAGS} --append "{append}" --engine auto --summary /summary; '
        'grep -a LOCKSTITCH /console; grep \'"engine": "kvm"\' /summary')
    need(code == 0 and 'LOCKSTITCH-SQL-OK rows=1000 sum=500500' in text, 'Debian on KVM did not answer SQL')
    return 0


def boundary(build):
    """A Debian that boots and answers SQL, recorded on KVM in boundary mode, replays on the interpreter of this host."""
    with tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder) / 'trace'
        code, text = debian(Rig(build)).add('--collect', f'/trace={trace}').run(
            'sh', '-c', f'{BEFORE} lockstitch record {GUEST_FLAGS} --append "{COOPERATIVE} {SQL}" --clock virtual --seed 1 '
            f'--engine kvm --ticks exits --digest-every 500 --digests /digests --checkpoint-every 40ms -o /trace {AFTER}')
        need(code == 0 and 'LOCKSTITCH-SQL-OK' in text, 'Debian in boundary mode did not answer SQL')
        for start in [], ['--from', '60000']:
            replay = [str(build / 'lockstitch'), 'replay', str(trace), '--images', str(GUEST), '--engine', 'interp']
            ended = subprocess.run(replay + start, capture_output=True, text=True)
            print(ended.stderr, end='')
            need(ended.returncode == 0 and 'all equal, the end too' in ended.stderr, 'the replay differs')
    return 0


def turns(build):
    """A Debian in mid-boot moves from the interpreter to KVM and back, and ends as it does on the interpreter alone."""
    flags = ('--memory 512M --kernel /vmlinuz --initrd /initramfs.cpio --serial none --clock virtual --seed 1 --ticks exits '
             f'--append "{COOPERATIVE} lockstitch.stop=userland"')
    code, text = debian(Rig(build)).run(
        'sh', '-c', f'for engine in interp interp,3000:kvm,9000:interp,12000:kvm; do '
        f'lockstitch run {flags} --engine $engine --summary /$engine; grep final_digest /$engine; done')
    digests = re.findall(r'"final_digest": "(\w+)"', text)
    need(code == 0 and len(digests) == 2 and digests[0] == digests[1], f'the digests differ: {digests}')
    return 0


SHORT = [doctor, units, contract, guests, kernel, table, oracle]
LONG = [sql, boundary, turns]


def main():
    claims = {claim.__name__: claim for claim in SHORT + LONG}
    if len(sys.argv) != 3 or sys.argv[2] not in [*claims, 'list']:
        sys.exit(__doc__ + '\n' + '\n'.join(f'{name:10} {claim.__doc__}' for name, claim in claims.items()))
    build, name = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    if name == 'list':
        print('\n'.join(claims))
        return 0
    check = subprocess.run([str(HERE / 'rig.py'), '--check-qemu'], capture_output=True, text=True)
    if check.returncode == 77:
        print(check.stdout, end='')
        return 77
    if claims[name] in LONG and not FULL:
        print(f'skipped: {claims[name].__doc__} It takes minutes: scripts/test --kvm-rig')
        return 77
    return claims[name](build)


if __name__ == '__main__':
    sys.exit(main())
