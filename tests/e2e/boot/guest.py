"""A guest that is booted by firmware, seen and touched as a person does it: by its screen, its serial port and its keys."""
import pathlib
import re
import signal
import subprocess
import time


class Failed(Exception):
    pass


class Guest:
    def __init__(self, program, folder, name, arguments, command='run'):
        self.program = str(program)
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.serial_file = self.folder / 'serial.txt'
        self.serial_file.unlink(missing_ok=True)
        self.log = open(self.folder / 'log.txt', 'wb')
        self.control = self.folder / 'control'
        where = ['--control', self.control] if command == 'run' else []
        argv = [self.program, command, *where, '--serial', f'file:{self.serial_file}', '--quiet', *arguments]
        self.process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log)
        self.where = self.control

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def ask(self, command, *words):
        done = subprocess.run([self.program, command, str(self.where), *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)
        return done.returncode, done.stdout.decode(errors='replace')

    def screen(self):
        return self.ask('screen', '--text')[1]

    def serial(self):
        return self.serial_file.read_text(errors='replace') if self.serial_file.exists() else ''

    def press(self, *chords):
        code, said = self.ask('press', *chords)
        if code != 0:
            raise Failed(f'press {chords}: {said}')

    def type(self, text):
        code, said = self.ask('type', text)
        if code != 0:
            raise Failed(f'type {text!r}: {said}')

    def screenshot(self, name):
        path = self.folder / name
        code, said = self.ask('screenshot', str(path))
        if code != 0:
            raise Failed(f'screenshot: {said}')
        return path

    def wait(self, what, look, seconds):
        """Until look() is true. Fails with what the guest showed instead."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if look():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.3)
        if look():
            return
        self.log.flush()
        log = (self.folder / 'log.txt').read_text(errors='replace')
        raise Failed(f'{what}: not seen within {seconds} s\n--- screen\n{self.screen() if self.process.poll() is None else "(ended)"}'
                     f'\n--- serial\n{self.serial()[-2000:]}\n--- log\n{log[-1000:]}')

    def wait_screen(self, pattern, seconds=120):
        self.wait(f'screen /{pattern}/', lambda: re.search(pattern, self.screen(), re.MULTILINE), seconds)

    def wait_serial(self, pattern, seconds=120):
        self.wait(f'serial /{pattern}/', lambda: re.search(pattern, self.serial()), seconds)

    def wait_end(self, seconds=120):
        self.wait('the end', lambda: self.process.poll() is not None, seconds)
        return self.process.returncode
