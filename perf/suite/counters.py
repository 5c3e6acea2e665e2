"""What perf stat counts in a server while it is loaded: a pass of its own, for counting disturbs."""

import os
import re


SOFTWARE = ["task-clock", "context-switches", "page-faults"]
HARDWARE = ["cycles", "instructions"]
TRACEPOINTS = {
    "syscalls": "raw_syscalls:sys_enter",
    "enters": "syscalls:sys_enter_io_uring_enter",
    "submissions": "io_uring:io_uring_submit_req",
    "completions": "io_uring:io_uring_complete",
    "task work": "io_uring:io_uring_task_add",
    "local work runs": "io_uring:io_uring_local_work_run",
    "waits": "io_uring:io_uring_cqring_wait",
    "poll arms": "io_uring:io_uring_poll_arm",
    "async punts": "io_uring:io_uring_queue_async_work",
    "overflows": "io_uring:io_uring_cqe_overflow",
    "failed": "io_uring:io_uring_req_failed",
    "short writes": "io_uring:io_uring_short_write",
    "epoll waits": "syscalls:sys_enter_epoll_wait",
    "receives": "syscalls:sys_enter_recvfrom",
    "sends": "syscalls:sys_enter_sendto",
    "wake-ups": "sched:sched_wakeup",
}
FOLDERS = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
NOT_SUPPORTED = "not supported"


def advice():
    """What to grant for tracepoints to be counted, or None if nothing is missing."""
    if not any(os.access(os.path.join(each, "events", "io_uring"), os.R_OK | os.X_OK) for each in FOLDERS):
        return ("tracepoints cannot be read: run as root; or mount -t tracefs tracefs /sys/kernel/tracing, "
                "chmod -R a+rX /sys/kernel/tracing, and sysctl kernel.perf_event_paranoid=-1")
    if os.geteuid() == 0:
        return None
    with open("/proc/sys/kernel/perf_event_paranoid", encoding="ascii") as file:
        if int(file.read()) > -1:
            return "tracepoints cannot be counted: sysctl kernel.perf_event_paranoid=-1, or run as root"
    return None


def events(with_tracepoints):
    """By the name in the table, what perf calls them; without the tracepoints that this kernel does not have."""
    chosen = {name: name for name in SOFTWARE + HARDWARE}
    if with_tracepoints:
        for name, event in TRACEPOINTS.items():
            if any(os.path.isdir(os.path.join(each, "events", *event.split(":"))) for each in FOLDERS):
                chosen[name] = event
    return chosen


def _counts(path, chosen):
    """From perf's lines `value,unit,event,...`."""
    names = {event: name for name, event in chosen.items()}
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            parts = line.strip().split(",")
            event = parts[2] if len(parts) > 2 else ""
            if event not in names:
                event = re.sub(r":[ukhGH]+$", "", event)  # perf appends what it was allowed to count
            if event not in names:
                continue
            try:
                found[names[event]] = float(parts[0])
            except ValueError:
                found[names[event]] = NOT_SUPPORTED
    return found


def run(names, connections, servers, driver, seconds, left_out):
    """For each server and number of connections the counts per request."""
    missing = advice()
    if missing:
        print(f"  {missing}", flush=True)
    chosen = events(not missing)
    result = {"title": "perf stat, per request", "advice": missing, "events": chosen, "servers": {}, "failed": {}}
    output = os.path.join(driver.work, "perf_stat.csv")
    for name in names:
        if name in left_out:
            continue
        try:
            with servers.start(name) as server:
                wrapper = ["perf", "stat", "-x,", "-o", output, "-e", ",".join(chosen.values()), "-p", str(server.process.pid), "--"]
                for count in connections:
                    seen = driver.load(server, ["--connections", str(count)], seconds, wrapper)
                    counts = _counts(output, chosen)
                    requests = seen["answered"]
                    result["servers"].setdefault(name, {})[str(count)] = {
                        event: value if value == NOT_SUPPORTED else value / requests for event, value in counts.items()}
        except (RuntimeError, OSError) as error:
            print(f"  failed: {name}: {error}", flush=True)
            result["failed"][name] = str(error)
    return result
