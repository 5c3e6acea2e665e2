"""The servers: how each is started, and where it then listens."""

import contextlib
import os
import re
import shutil
import socket
from dataclasses import dataclass, replace

from . import processes
from .scenarios import ATTACKED, FEATURES, FILES, FOLDER, LOGGING, OUR_ECHO, SIZES, TWO_LOOPS, UNPARSED, US, WAITING, WITHOUT

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


@dataclass(frozen=True)
class Program:
    """How a server is started, and what it then is asked for to see that it answers as the others do."""
    command: tuple  # of those built here by their names; the name of an installed one, which a template configures
    serves: str = "page"  # or "files", or "echo"
    processors: int = 1
    template: str = None
    without: str = None  # a feature of the kernel, or all of them


def programs(response, log, files):
    """By their names. They answer as the file `response` has it; `log` is an access log, `files` a folder."""
    any_threads = ("uring-http", "--listen", "127.0.0.1:0", "--max-connections", "60000", "--idle-timeout", "3600")
    ours = Program((*any_threads, "--threads", "1"))
    found = {
        US: ours,
        TWO_LOOPS: Program((*any_threads, "--threads", "2"), processors=2),
        FILES: Program((*ours.command, "--root", files), "files"),
        LOGGING: Program((*ours.command, "--access-log", log)),
        ATTACKED: ours,
        "bare liburing": Program(("bare_liburing", response, "--parse")),
        WAITING: Program(("bare_liburing", response, "--parse", "--wait", "48", "200")),
        UNPARSED: Program(("bare_liburing", response)),
        "bare epoll": Program(("bare_epoll", response, "--parse")),
        "Asio, epoll": Program(("asio_http_epoll", response, "--parse")),
        "Asio, io_uring": Program(("asio_http_liburing", response, "--parse")),
        "nginx": Program(("nginx",), template="nginx"),
        "h2o": Program(("h2o",), template="h2o"),
        "nginx, files": Program(("nginx",), "files", template="nginx_files"),
        "h2o, files": Program(("h2o",), "files", template="h2o_files"),
        "node": Program(("node", os.path.join(PEERS, "node_http.js"), response)),
        OUR_ECHO: Program(("tuyau_echo",), "echo"),
        "bare liburing echo": Program(("bare_liburing_echo",), "echo"),
        "bare epoll echo": Program(("bare_epoll_echo",), "echo"),
        "Asio echo, epoll": Program(("asio_echo_epoll",), "echo"),
        "Asio echo, io_uring": Program(("asio_echo_liburing",), "echo"),
    }
    return found | {WITHOUT + each: replace(ours, without=each) for each in (*FEATURES, "all")}


class Servers:
    """Starts each by its name, on the first of the processors given."""

    def __init__(self, binaries, work, cpus):
        self.binaries, self.work, self.cpus = binaries, work, cpus
        self.response = os.path.join(work, "response")
        self.page = None  # the body of it
        self.log = os.path.join(work, "access.log")
        self.programs = programs(self.response, self.log, os.path.join(work, FOLDER))

    def start(self, name, wrapper=()):
        """A `Server`. `wrapper`: a command that the program is given to. Raises where it cannot be had, or answers another
        page than the others do."""
        program = self.programs[name]
        server = self._start(name, program, wrapper)
        try:
            if not self._answers_alike(program, server.port):
                raise RuntimeError("does not answer the same page")
        except (RuntimeError, OSError):
            processes.end(server.process)
            raise
        return server

    def _start(self, name, program, wrapper=()):
        if name == LOGGING:
            self.remove_log()
        command = [self._found(program), *program.command[1:]]
        if program.without:
            features = ",".join(self._features()) if program.without == "all" else program.without
            command = ["env", f"TUYAU_WITHOUT={features}", *command]
        command = processes.pinned(self.cpus[: program.processors], [*wrapper, *command])
        if program.template:
            return self._start_configured(name, program, command)
        return Server(name, command, self.work)

    def _found(self, program):
        """What is to be run: built here, or installed."""
        first = program.command[0]
        if program.template or first == "node":
            if not shutil.which(first):
                raise Missing("is not installed")
            return first
        path = os.path.join(self.binaries, first)
        if not os.path.exists(path):
            raise Missing("was not built")
        return path

    def _features(self):
        """All that can be switched off."""
        told, _ = processes.run([os.path.join(self.binaries, US), "--doctor"], 20)
        return re.findall(r"^([a-z-]+) +(?:on|off) ", told, re.MULTILINE)

    def _answers_alike(self, program, port):
        if program.serves == "page":
            return body_of(ask(port)) == self.page
        return program.serves == "echo" or all(len(body_of(ask(port, f"/{each}.txt"))) == size for each, size in SIZES.items())

    def remove_log(self):
        """It is appended to, by tens of megabytes a second."""
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.log)

    def keep_response(self):
        """Lets uring-http answer once, for the others to answer the same."""
        with self._start(US, self.programs[US]) as server, open(self.response, "wb") as file:
            answer = ask(server.port)
            file.write(answer)
            self.page = body_of(answer)

    def _start_configured(self, name, program, command):
        """It cannot be asked for its port: the kernel names one that is free now, and another if it is then taken."""
        for attempts_left in (2, 1, 0):
            port = free_port()
            path = self._configure(program.template, port)
            arguments = ["-p", os.path.dirname(path) + "/", "-e", "stderr", "-c"] if program.command[0] == "nginx" else ["-c"]
            try:
                return Server(name, [*command, *arguments, path], self.work, port)
            except RuntimeError:
                if not attempts_left:
                    raise

    def _configure(self, template, port):
        with open(self.response, "rb") as file:
            head, body = file.read().decode().split("\r\n\r\n", 1)
        folder = os.path.abspath(os.path.join(self.work, template))
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
        with open(os.path.join(PEERS, template + ".conf"), encoding="utf-8") as file:
            text = re.sub(r"@([A-Z]+)@", lambda found: values[found.group(1)], file.read())
        path = os.path.join(folder, template + ".conf")
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
