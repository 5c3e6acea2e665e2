"""The machine, and what on it was measured."""

import contextlib
import datetime
import os
import platform
import re
import subprocess
import time

QUIET = 0.1  # of its processors' time, taken by others


def first_line(*command):
    """Of what the command prints, on either output; None if it cannot run."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=20, check=False, text=True)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.returncode == 0 and done.stdout.strip().split("\n")[0]) or None


def _version(*command):
    found = re.search(r"\d+\.[\w.+~-]+", first_line(*command) or "")
    return found.group(0) if found else None


def _value(path, name):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(rf"^{name}\s*:\s*(.*)$", file.read(), re.MULTILINE)
    except OSError:
        return None
    return found.group(1).strip() if found else None


def _compiler(build):
    path = _value_of_cache(build, "CMAKE_CXX_COMPILER")
    return first_line(path, "--version") if path else None


def _value_of_cache(build, name):
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as file:
        found = re.search(rf"^{name}(?::\w+)?=(.*)$", file.read(), re.MULTILINE)
    return found.group(1) if found else None


def _processor_times():
    """Of all processors, in ticks, by kind."""
    with open("/proc/stat", encoding="ascii") as file:
        values = [int(each) for each in file.readline().split()[1:9]]
    return dict(zip(("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"), values))


def _shares(before, after):
    spent = {kind: after[kind] - before[kind] for kind in after}
    return {kind: value / max(sum(spent.values()), 1) for kind, value in spent.items()}


@contextlib.contextmanager
def stolen_share():
    """Gives a function that tells which share of the processors' time other virtual machines took within the `with` block."""
    before = _processor_times()
    shares = {}
    yield lambda: round(shares["steal"], 4)
    shares.update(_shares(before, _processor_times()))


def wait_until_quiet(patience):
    """Waits so many seconds for others to leave the processors alone; the share of time that they took last."""
    until = time.monotonic() + patience
    told = False
    while True:
        before = _processor_times()
        time.sleep(2)
        shares = _shares(before, _processor_times())
        busy = 1 - shares["idle"] - shares["iowait"]
        if busy <= QUIET or time.monotonic() > until:
            if busy > QUIET:
                print(f"others take {busy:.0%} of the processors: the figures will be no evidence", flush=True)
            return round(busy, 3)
        if not told:
            print(f"others take {busy:.0%} of the processors: waiting for that to end, {patience} s at most", flush=True)
            told = True


def build_type(build):
    return _value_of_cache(build, "CMAKE_BUILD_TYPE") or "unknown"


def describe(build):
    """A dictionary of facts, for the record."""
    results = [":!perf/results", ":!perf/README.md", ":!README.md"]  # which a run writes
    changed = first_line("git", "status", "--porcelain", "--untracked-files=no", "--", ".", *results)
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "host": platform.node(),
        "processor": _value("/proc/cpuinfo", "model name") or platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "compiler": _compiler(build),
        "flags": " ".join(filter(None, (_value_of_cache(build, "CMAKE_CXX_FLAGS"),
                                        _value_of_cache(build, f"CMAKE_CXX_FLAGS_{build_type(build).upper()}")))),
        "commit": (first_line("git", "rev-parse", "--short=12", "HEAD") or "unknown")
                  + (" with changes" if changed else ""),
        "peers": {name: version for name, version in (
            ("nginx", _version("nginx", "-v")), ("h2o", _version("h2o", "-v")),
            ("node", _version("node", "--version")),
            ("Asio", _version("dpkg-query", "-W", "-f", "${Version}", "libasio-dev")),
        ) if version},
    }
