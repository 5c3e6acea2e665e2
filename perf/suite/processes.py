"""Starts programs, and ends each of them by its id, whatever happens."""

import atexit
import os
import resource
import signal
import subprocess
import sys
import time

_running = []


def prepare():
    """Ctrl-C and SIGTERM end the run in good order; as many descriptors as may be, for thousands of connections.

    Servers are often installed where only root's PATH leads. No feature of the kernel is off but where a program says so."""
    os.environ.pop("TUYAU_WITHOUT", None)
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs would ignore it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    atexit.register(end_all)


def end_all():
    for each in list(_running):
        end(each)


def most_descriptors():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def pinned(cpus, command):
    """The command, to run on these processors."""
    return ["taskset", "-c", ",".join(map(str, cpus)), *command]


def start(command, output, stdin=subprocess.DEVNULL):
    """Starts it, its output and errors going to the file named; a session of its own, so that Ctrl-C meets us alone."""
    with open(output, "wb") as file:
        process = subprocess.Popen(command, stdin=stdin, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    _running.append(process)
    return process


def run(command, limit):
    """What it prints, and its errors apart. Raises when it fails or takes longer than `limit` seconds."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, start_new_session=True)
    _running.append(process)
    try:
        output, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"took more than {limit:.0f} s: {' '.join(command)}") from None
    finally:
        end(process)
    if process.returncode != 0:
        raise RuntimeError(f"{(errors or output).strip() or 'failed'} ({' '.join(command)})")
    return output, errors


def end(process):
    """Asks it to end, and makes it after two seconds."""
    for number, patience in ((signal.SIGTERM, 2), (signal.SIGKILL, 10)):
        if process.poll() is None:
            os.killpg(process.pid, number)  # it leads a session, so this is it and what it started
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
    if process in _running:
        _running.remove(process)


def wait_for(what, process, limit=20):
    """The first true value that `what()` gives, looked for again and again; raises when the process ends or time does."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        if process.poll() is not None:
            raise RuntimeError(f"ended at once, with {process.returncode}")
        time.sleep(0.01)
    raise RuntimeError(f"was not ready after {limit} s")
