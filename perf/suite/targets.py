"""The targets, each with what was measured."""

import statistics

from . import memory, rounds
from .scenarios import US, WAITING

MIB = 1024 * 1024
IDLE = 15_000


def _ratio(scenario, peer, what=rounds.cpu):
    return lambda record: rounds.ratios(record["scenarios"][scenario], peer, what)


def _memory(what):
    return lambda record: [what(record["memory"]["servers"][US])]


def _instructions(record):
    return [record["instructions"]["servers"][US]["1"]["rest"]]


def all_targets():
    """Rows of: what, where, the most that it may be, a function of the record that gives what each round showed, the unit."""
    plain = "bare liburing"
    rows = []
    for count in (64, 512, 4096):
        rows.append(("CPU against bare liburing", f"{count:,} connections", 0.90, _ratio(f"keep-alive-{count}", plain), ""))
    for count in (64, 512, 4096):
        rows.append(("p99 against bare liburing", f"{count:,} connections", 1.1,
                     _ratio(f"keep-alive-{count}", plain, rounds.latency("p99")), ""))
    for count in (64, 512, 4096):
        rows.append(("CPU against bare liburing, waiting alike", f"{count:,} connections", 1.08,
                     _ratio(f"keep-alive-{count}", WAITING), ""))
    for peer, most in (("bare epoll", 0.90), ("Asio, epoll", 0.85), ("Asio, io_uring", 0.70), ("nginx", 0.65), ("h2o", 0.60)):
        for count in (64, 512):
            rows.append((f"CPU against {peer}", f"{count:,} connections", most, _ratio(f"keep-alive-{count}", peer), ""))
    rows += [
        ("CPU against bare liburing", "16 requests at once", 1.15, _ratio("pipelined", plain), ""),
        ("CPU against nginx", "16 requests at once", 0.11, _ratio("pipelined", "nginx"), ""),
        *(("p50 against bare epoll", f"{count} connection{'s' * (count > 1)}", 1.03,
           _ratio(f"keep-alive-{count}", "bare epoll", rounds.latency("p50")), "") for count in (1, 4)),
        ("p99 against nginx", "fixed rate", 1.0, _ratio("fixed-rate", "nginx", rounds.latency("p99")), ""),
        ("CPU against nginx", "a connection for each request", 0.9, _ratio("new-connection", "nginx"), ""),
        ("CPU, two loops against one", "512 connections", 1.08, _ratio("two-loops", US), ""),
        ("CPU against bare epoll", "echo of 64 KiB", 1.0, _ratio("echo-64k", "bare epoll echo"), ""),
        *((f"CPU against {peer}", f"a file of {size}", most, _ratio(f"file-{name}", f"{peer}, files"), "")
          for name, size, peer, most in (("1k", "1 KiB", "nginx", 0.55), ("1k", "1 KiB", "h2o", 0.65),
                                         ("100k", "100 KiB", "nginx", 1.0), ("10m", "10 MiB", "nginx", 1.1))),
        ("CPU, access log against none", "64 connections", 1.10, _ratio("access-log", US), ""),
        ("p99, 10,000 slow headers against none", "64 connections", 2.0,
         _ratio("slow-headers", US, rounds.latency("p99")), ""),
        ("resident memory", f"each of {IDLE:,} idle connections", 500, _memory(lambda seen: memory.bytes_each(seen, IDLE)), "bytes"),
        ("resident memory", "the server without connections", 6, _memory(lambda seen: seen["alone"] / MIB), "MiB"),
        ("instructions, llhttp's left out", "a plain GET", 600, _instructions, ""),
    ]
    return rows


def verdict_of(seen, most):
    """By what each round showed: decided only if three quarters of them say the same."""
    if not seen:
        return "not measured"
    met = sum(each <= most for each in seen) / len(seen)
    return "met" if met >= 0.75 else "MISSED" if met <= 0.25 else "undecided"


def verdicts(record):
    """Rows of: what, where, the target, the median of what was measured or None, the verdict, and each round's."""
    rows = []
    for what, where, most, measured, unit in all_targets():
        try:
            seen = measured(record)
        except (KeyError, TypeError, ValueError):
            seen = []
        value = statistics.median(seen) if seen else None
        rows.append((what, where, f"{most:g} {unit}".strip(), value, verdict_of(seen, most), seen))
    return rows
