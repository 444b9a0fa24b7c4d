"""A debugger made of nothing but gdb's remote protocol: for times that are the stub's and not gdb's."""
import re
import socket
import time


class Remote:
    """`place`: a path of a UNIX socket, or a port of this host."""

    def __init__(self, place, patience_s=120):
        begin = time.monotonic()
        while True:
            self.socket = socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET)
            try:
                self.socket.connect(place if isinstance(place, str) else ("127.0.0.1", place))
                break
            except OSError:
                self.socket.close()
                if time.monotonic() - begin > 60:
                    raise
                time.sleep(0.1)
        self.socket.settimeout(patience_s)
        self.bytes = b""
        self.ask("qSupported:swbreak+;hwbreak+")
        self.ask("QStartNoAckMode")
        self.socket.sendall(b"+")

    def send(self, contents):
        data = contents.encode()
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) & 0xff))

    def packet(self):
        while True:
            begin = self.bytes.find(b"$")
            end = self.bytes.find(b"#", begin)
            if begin >= 0 and 0 <= end <= len(self.bytes) - 3:
                contents, self.bytes = self.bytes[begin + 1:end], self.bytes[end + 3:]
                return contents.decode(errors="replace")
            got = self.socket.recv(65536)
            if not got:
                raise ConnectionError("the stub went away")
            self.bytes += got

    def ask(self, contents):
        """The answer, console output in between left out."""
        self.said = ""
        self.send(contents)
        while True:
            answer = self.packet()
            if answer.startswith("O") and answer != "OK":
                self.said += bytes.fromhex(answer[1:]).decode(errors="replace")
                continue
            return answer

    def timed(self, contents):
        """Unit: s, and the answer."""
        begin = time.monotonic()
        answer = self.ask(contents)
        return time.monotonic() - begin, answer

    def monitor(self, line):
        """Unit: s, and what it said."""
        took, _ = self.timed("qRcmd," + line.encode().hex())
        return took, self.said

    def tick(self):
        return int(re.search(r"tick (\d+)", self.monitor("when")[1]).group(1))

    def interrupt(self):
        self.socket.sendall(b"\x03")

    def close(self):
        self.socket.close()
