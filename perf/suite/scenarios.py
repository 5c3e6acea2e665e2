"""What is measured: for each scenario the load, and whom it meets."""

import os
from dataclasses import dataclass, field

US = "uring-http"
PARSING = ["bare liburing", "bare epoll", "Asio, epoll", "Asio, io_uring", "nginx", "h2o", "node"]
WAITING = "bare liburing, waiting"
UNPARSED = "bare liburing, unparsed"
FILES = "uring-http, files"
LOGGING = "uring-http, access log"
ATTACKED = "uring-http, attacked"
TWO_LOOPS = "uring-http, two loops"
OUR_ECHO = "tuyau echo"
WITHOUT = "uring-http without "
FEATURES = ["gathering-wait", "multishot-receive", "buffer-ring", "defer-taskrun"]
ECHOES = ["bare liburing echo", "bare epoll echo", "Asio echo, epoll", "Asio echo, io_uring"]
KEEP_ALIVE = (1, 4, 16, 64, 512, 4096, 15000)

FOLDER = "files"  # of those that are served
SIZES = {"1k": 1024, "100k": 100 * 1024, "10m": 10 * 1024 * 1024}

BROWSER_FILE = "browser_request"
BROWSER = """GET / HTTP/1.1\r
Host: 127.0.0.1:8080\r
Connection: keep-alive\r
Cache-Control: max-age=0\r
sec-ch-ua: "Chromium";v="126", "Not/A)Brand";v="8"\r
sec-ch-ua-mobile: ?0\r
sec-ch-ua-platform: "Linux"\r
Upgrade-Insecure-Requests: 1\r
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r
Sec-Fetch-Site: none\r
Sec-Fetch-Mode: navigate\r
Sec-Fetch-User: ?1\r
Sec-Fetch-Dest: document\r
Accept-Encoding: gzip, deflate, br, zstd\r
Accept-Language: en-GB,en;q=0.9,fr;q=0.8\r
Cookie: session=6f1c0d8e5b7a4c2f9e3d1a0b8c7f6e5d; theme=dark; consent=yes; last_visit=1719830400\r
\r
"""


@dataclass
class Scenario:
    """`ours` against `peers`, each with a load of so many `connections` and further `options` of the load generator."""
    name: str
    title: str
    connections: int
    peers: list
    ours: str = US
    options: list = field(default_factory=list)
    bytes_each: int = 0  # of an echo, or of a file
    half_of: str = None  # the scenario by which the rate is half of nginx's
    rate: float = 0  # requests a second that are due; 0: as many as are answered
    slow: dict = field(default_factory=dict)  # connections whose headers never end, which only one server meets, by its name

    def load_of(self, server):
        options = ["--connections", str(self.connections), *self.options]
        options += ["--rate", f"{self.rate:.0f}"] if self.rate else []
        return options + (["--slow", str(self.slow[server])] if server in self.slow else [])

    @property
    def servers(self):
        return [self.ours, *self.peers]

    @property
    def most_connections(self):
        return self.connections + max(self.slow.values(), default=0)


def _connections(count):
    return f"{count:,} connection{'s' * (count > 1)}"


def keep_alive(count):
    peers = PARSING[:]
    if count >= 64:
        peers.insert(1, WAITING)
    if count in (64, 512):
        peers.insert(1, UNPARSED)
    return Scenario(f"keep-alive-{count}", f"keep-alive, {_connections(count)}", count, peers)


def without(count):
    """What each feature of the kernel is worth, and how one without any is served."""
    return Scenario(f"without-{count}", f"uring-http on older kernels, {_connections(count)}", count,
                    [WITHOUT + each for each in [*FEATURES, "all"]])


def echo(name, title, size):
    return Scenario(f"echo-{name}", f"echo of {title}, 16 connections", 16, ECHOES, OUR_ECHO, ["--echo", str(size)], size)


def file(name, size, work):
    return Scenario(f"file-{name}", f"a file of {name[:-1]} {'KiB' if name[-1] == 'k' else 'MiB'}, 64 connections", 64,
                    ["nginx, files", "h2o, files"], FILES, ["--request", os.path.join(work, "request-" + name)], size)


def write_inputs(work):
    """The requests, and the folder of files that are served."""
    requests = {BROWSER_FILE: BROWSER}
    os.makedirs(os.path.join(work, FOLDER), exist_ok=True)
    for name, size in SIZES.items():
        requests["request-" + name] = f"GET /{name}.txt HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        with open(os.path.join(work, FOLDER, name + ".txt"), "wb") as served:
            served.write(bytes(33 + index % 89 for index in range(1024)) * (size // 1024))
    for name, text in requests.items():
        with open(os.path.join(work, name), "w", encoding="ascii", newline="") as request:
            request.write(text)


def all_scenarios(work=""):
    """In the order in which they run; `work` is the folder of `write_inputs`."""
    browser = ["--request", os.path.join(work, BROWSER_FILE)]
    return [
        *map(keep_alive, KEEP_ALIVE),
        Scenario("pipelined", "16 requests at once, 64 connections", 64, PARSING, options=["--depth", "16"]),
        Scenario("new-connection", "a connection for each request, 64 at a time", 64, PARSING, options=["--new-connection"]),
        Scenario("browser", "a browser's request, 64 connections", 64, PARSING, options=browser),
        Scenario("fixed-rate", "half of nginx's peak rate, 64 connections", 64, [*PARSING, WITHOUT + "gathering-wait"],
                 half_of="keep-alive-64"),
        echo("1k", "1 KiB", 1024),
        echo("64k", "64 KiB", 64 * 1024),
        echo("1m", "1 MiB", 1024 * 1024),
        *(file(name, size, work) for name, size in SIZES.items()),
        Scenario("access-log", "every request written to an access log, 64 connections", 64, [US], LOGGING),
        Scenario("slow-headers", "10,000 requests a second over 64 connections, beside 10,000 whose headers never end", 64,
                 [US], ATTACKED, rate=10_000, slow={ATTACKED: 10_000}),
        Scenario("two-loops", "two loops against one, 512 connections", 512, [US], TWO_LOOPS),
        *map(without, (1, 64)),
    ]
