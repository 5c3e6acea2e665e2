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
    """`ours` against `peers`, each with `load` (options of the load generator)."""
    name: str
    title: str
    load: list
    peers: list
    ours: str = US
    bytes_each: int = 0  # of an echo, or of a file
    needs: list = field(default_factory=list)  # scenarios that tell at which rate this one runs
    besides: dict = field(default_factory=dict)  # options of the load generator that only one server meets, by its name

    def load_of(self, server):
        return [*self.load, *self.besides.get(server, [])]

    @property
    def servers(self):
        return [self.ours, *self.peers]


def keep_alive(count):
    peers = PARSING[:]
    if count >= 64:
        peers.insert(1, WAITING)
    if count in (64, 512):
        peers.insert(1, UNPARSED)
    plural = "s" if count > 1 else ""
    return Scenario(f"keep-alive-{count}", f"keep-alive, {count:,} connection{plural}", ["--connections", str(count)],
                    peers)


def without(count):
    """What each feature of the kernel is worth, and how one without any is served."""
    return Scenario(f"without-{count}", f"uring-http on older kernels, {count} connection{'s' if count > 1 else ''}",
                    ["--connections", str(count)], [WITHOUT + each for each in [*FEATURES, "all"]])


def echo(name, title, size):
    return Scenario(f"echo-{name}", f"echo of {title}, 16 connections", ["--connections", "16", "--echo", str(size)], ECHOES,
                    "tuyau echo", size)


def file(name, size, work):
    return Scenario(f"file-{name}", f"a file of {name[:-1]} {'KiB' if name[-1] == 'k' else 'MiB'}, 64 connections",
                    ["--connections", "64", "--request", os.path.join(work, "request-" + name)], ["nginx, files", "h2o, files"],
                    FILES, size)


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
    browser = os.path.join(work, BROWSER_FILE)
    sixty_four = ["--connections", "64"]
    return [
        *map(keep_alive, KEEP_ALIVE),
        Scenario("pipelined", "16 requests at once, 64 connections", [*sixty_four, "--depth", "16"], PARSING),
        Scenario("new-connection", "a connection for each request, 64 at a time", [*sixty_four, "--new-connection"], PARSING),
        Scenario("browser", "a browser's request, 64 connections", [*sixty_four, "--request", browser], PARSING),
        Scenario("fixed-rate", "half of nginx's peak rate, 64 connections", sixty_four, PARSING, needs=["keep-alive-64"]),
        echo("1k", "1 KiB", 1024),
        echo("64k", "64 KiB", 64 * 1024),
        echo("1m", "1 MiB", 1024 * 1024),
        *(file(name, size, work) for name, size in SIZES.items()),
        Scenario("access-log", "every request written to an access log, 64 connections", sixty_four, [US], LOGGING),
        Scenario("slow-headers", "10,000 requests a second over 64 connections, beside 10,000 whose headers never end",
                 [*sixty_four, "--rate", "10000"], [US], ATTACKED, besides={ATTACKED: ["--slow", "10000"]}),
        Scenario("two-loops", "two loops against one, 512 connections", ["--connections", "512"], [US], "uring-http, two loops"),
        *map(without, (1, 64)),
    ]
