"""The servers: how each is started, and where it then listens."""

import contextlib
import os
import re
import shutil
import socket

from . import processes
from .scenarios import FOLDER, LOGGING, SIZES, US, WITHOUT

PEERS = os.path.join("perf", "peers")


class Missing(RuntimeError):
    """The server is not on this machine."""


class Server:
    """A running server; ends with the `with` block."""

    def __init__(self, name, command, work, port=None):
        self.name, self.port = name, port
        self.command = command
        self.output = os.path.join(work, name.replace(" ", "_") + ".log")
        self.process = processes.start(command, self.output)
        try:
            self.port = port or processes.wait_for(self._printed_port, self.process)
            processes.wait_for(self._accepts, self.process)
        except RuntimeError as error:
            processes.end(self.process)
            raise RuntimeError(f"{error}: {self._printed()[-300:].strip()}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        processes.end(self.process)

    def _printed(self):
        with open(self.output, encoding="utf-8", errors="replace") as file:
            return file.read()

    def _printed_port(self):
        found = re.search(r"^(?:Serving http://[^/]*:)?(\d+)(?:/.*)?\n", self._printed(), re.MULTILINE)
        return int(found.group(1)) if found else None

    def _accepts(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def resident(self):
        """Bytes of resident memory."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"^VmRSS:\s*(\d+) kB", file.read(), re.MULTILINE).group(1)) * 1024


class Servers:
    """Knows how to start each by its name, on the first of the processors given; two loops have two."""

    def __init__(self, binaries, work, cpus):
        self.binaries, self.work, self.cpus = binaries, work, cpus
        self.response = os.path.join(work, "response")
        self.page = None  # the body of it
        self.log = os.path.join(work, "access.log")
        any_threads = ("uring-http", "--listen", "127.0.0.1:0", "--max-connections", "60000", "--idle-timeout", "3600")
        ours = (*any_threads, "--threads", "1")
        self.programs = {
            "uring-http": ours,
            "uring-http, two loops": (*any_threads, "--threads", "2"),
            "uring-http, files": (*ours, "--root", os.path.join(work, FOLDER)),
            "uring-http, access log": (*ours, "--access-log", self.log),
            "uring-http, attacked": ours,
            "bare liburing": ("bare_liburing", self.response, "--parse"),
            "bare liburing, waiting": ("bare_liburing", self.response, "--parse", "--wait", "64", "200"),
            "bare liburing, unparsed": ("bare_liburing", self.response),
            "bare epoll": ("bare_epoll", self.response, "--parse"),
            "Asio, epoll": ("asio_http_epoll", self.response, "--parse"),
            "Asio, io_uring": ("asio_http_liburing", self.response, "--parse"),
            "tuyau echo": ("tuyau_echo",),
            "bare liburing echo": ("bare_liburing_echo",),
            "bare epoll echo": ("bare_epoll_echo",),
            "Asio echo, epoll": ("asio_echo_epoll",),
            "Asio echo, io_uring": ("asio_echo_liburing",),
        }

    def start(self, name, wrapper=()):
        """A `Server`. `wrapper`: a command that the program is given to. Raises where it cannot be had, or answers another
        page than the others do."""
        server = self._start(name, wrapper)
        try:
            if not self._answers_alike(name, server.port):
                raise RuntimeError("does not answer the same page")
        except (RuntimeError, OSError):
            processes.end(server.process)
            raise
        return server

    def _start(self, name, wrapper=()):
        if name.startswith(("nginx", "h2o")):
            return self._start_configured(name, wrapper)
        if name == "node":
            command = [self._installed("node"), os.path.join(PEERS, "node_http.js"), self.response]
        else:
            if name == LOGGING:
                self.remove_log()
            program, *arguments = self.programs[US if name.startswith(WITHOUT) else name]
            command = [os.path.join(self.binaries, program), *arguments]
            if not os.path.exists(command[0]):
                raise Missing("was not built")
            if name.startswith(WITHOUT):
                feature = name.removeprefix(WITHOUT)
                features = ",".join(self._features()) if feature == "all" else feature
                command = ["env", f"TUYAU_WITHOUT={features}", *command]
        return Server(name, processes.pinned(self._cpus_of(name), [*wrapper, *command]), self.work)

    def _features(self):
        """All that can be switched off."""
        told, _ = processes.run([os.path.join(self.binaries, US), "--doctor"], 20)
        return re.findall(r"^([a-z-]+) +(?:on|off) ", told, re.MULTILINE)

    def _answers_alike(self, name, port):
        if "echo" in name:
            return True
        if not name.endswith(", files"):
            return body_of(ask(port)) == self.page
        return all(len(body_of(ask(port, f"/{each}.txt"))) == size for each, size in SIZES.items())

    def remove_log(self):
        """It is appended to, by tens of megabytes a second."""
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.log)

    def keep_response(self):
        """Lets uring-http answer once, for the others to answer the same."""
        with self._start("uring-http") as server, open(self.response, "wb") as file:
            answer = ask(server.port)
            file.write(answer)
            self.page = body_of(answer)

    def _cpus_of(self, name):
        return self.cpus[:2] if name.endswith("two loops") else self.cpus[:1]

    @staticmethod
    def _installed(name):
        if not shutil.which(name):
            raise Missing("is not installed")
        return name

    def _start_configured(self, name, wrapper):
        """It cannot be asked for its port: the kernel names one that is free now, and another if it is then taken."""
        program = self._installed(name.partition(",")[0])
        for attempts_left in (2, 1, 0):
            port = free_port()
            path = self._configure(name, port)
            arguments = ["-p", os.path.dirname(path) + "/", "-e", "stderr", "-c"] if program == "nginx" else ["-c"]
            command = processes.pinned(self._cpus_of(name), [*wrapper, program, *arguments, path])
            try:
                return Server(name, command, self.work, port)
            except RuntimeError:
                if not attempts_left:
                    raise

    def _configure(self, name, port):
        with open(self.response, "rb") as file:
            head, body = file.read().decode().split("\r\n\r\n", 1)
        form = name.replace(", ", "_")  # of nginx, files: nginx_files.conf
        folder = os.path.abspath(os.path.join(self.work, form))
        os.makedirs(os.path.join(folder, "pages"), exist_ok=True)
        with open(os.path.join(folder, "pages", "index.html"), "w", encoding="utf-8", newline="") as file:
            file.write(body)
        values = {
            "FOLDER": folder,
            "FILES": os.path.abspath(os.path.join(self.work, FOLDER)),
            "PORT": str(port),
            "TYPE": '"' + re.search(r"^Content-Type: (.*)$", head, re.MULTILINE).group(1).strip() + '"',
            "BODY": body.replace("\\", "\\\\").replace("'", "\\'"),
            "USER": "user: root" if os.geteuid() == 0 else "",
        }
        with open(os.path.join(PEERS, form + ".conf"), encoding="utf-8") as file:
            text = re.sub(r"@([A-Z]+)@", lambda found: values[found.group(1)], file.read())
        path = os.path.join(folder, form + ".conf")
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return path


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ask(port, path="/"):
    """The whole response to a plain GET."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        text = bytearray()
        while not complete(text):
            piece = connection.recv(65536)
            if not piece:
                raise RuntimeError("closed the connection before its response was whole")
            text += piece
        return bytes(text)


def body_of(text):
    return text.partition(b"\r\n\r\n")[2]


def complete(text):
    head, end, body = text.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    return bool(end) and length is not None and len(body) >= int(length.group(1))
