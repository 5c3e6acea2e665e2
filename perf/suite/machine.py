"""The machine, and what on it was measured."""

import datetime
import os
import platform
import re
import subprocess


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


def describe(build):
    """A dictionary of facts, for the record."""
    changed = first_line("git", "status", "--porcelain", "--untracked-files=no", "--", "runtime", "net", "apps", "perf")
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "host": platform.node(),
        "processor": _value("/proc/cpuinfo", "model name") or platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "compiler": _compiler(build),
        "flags": " ".join(filter(None, (_value_of_cache(build, "CMAKE_CXX_FLAGS"),
                                        _value_of_cache(build, "CMAKE_CXX_FLAGS_RELEASE")))),
        "commit": (first_line("git", "rev-parse", "--short=12", "HEAD") or "unknown")
                  + (" with changes" if changed else ""),
        "peers": {name: version for name, version in (
            ("nginx", _version("nginx", "-v")), ("h2o", _version("h2o", "-v")),
            ("node", _version("node", "--version")),
            ("Asio", _version("dpkg-query", "-W", "-f", "${Version}", "libasio-dev")),
        ) if version},
    }
