"""What perf stat counts in a server while it is loaded: a pass of its own, for counting disturbs."""

import os
import re

from .servers import Missing

SOFTWARE = ["task-clock", "context-switches", "page-faults"]
HARDWARE = ["cycles", "instructions"]
TRACEPOINTS = {
    "syscalls": "raw_syscalls:sys_enter",
    "enters": "syscalls:sys_enter_io_uring_enter",
    "submissions": "io_uring:io_uring_submit_req",
    "completions": "io_uring:io_uring_complete",
    "local work runs": "io_uring:io_uring_local_work_run",
    "waits": "io_uring:io_uring_cqring_wait",
    "poll arms": "io_uring:io_uring_poll_arm",
    "async punts": "io_uring:io_uring_queue_async_work",
    "overflows": "io_uring:io_uring_cqe_overflow",
    "failed": "io_uring:io_uring_req_failed",
    "short writes": "io_uring:io_uring_short_write",
    "linked requests": "io_uring:io_uring_link",
    "files looked up": "io_uring:io_uring_file_get",
    "epoll_wait": "syscalls:sys_enter_epoll_wait",
    "epoll_pwait": "syscalls:sys_enter_epoll_pwait",
    "epoll_ctl": "syscalls:sys_enter_epoll_ctl",
    "recvfrom": "syscalls:sys_enter_recvfrom",
    "read": "syscalls:sys_enter_read",
    "sendto": "syscalls:sys_enter_sendto",
    "sendfile": "syscalls:sys_enter_sendfile64",
    "write": "syscalls:sys_enter_write",
    "writev": "syscalls:sys_enter_writev",
    "accept4": "syscalls:sys_enter_accept4",
    "shutdown": "syscalls:sys_enter_shutdown",
    "close": "syscalls:sys_enter_close",
    "futex": "syscalls:sys_enter_futex",
    "brk": "syscalls:sys_enter_brk",
    "mmap": "syscalls:sys_enter_mmap",
    "TCP sends": "tcp:tcp_sendmsg_locked",
    "socket sends": "sock:sock_send_length",
    "socket receives": "sock:sock_recv_length",
    "switches to others": "sched:sched_switch",
    "wake-ups of others": "sched:sched_wakeup",
    "interrupts to reschedule": "irq_vectors:reschedule_entry",
}
# It happens where the packet that completes a request comes in: mostly within the client's send. So it is counted in the whole
# machine, with what others do there on io_uring.
EVERYWHERE = {"task work, all of the machine's": "io_uring:io_uring_task_add"}
FOLDERS = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")


def advice():
    """What to grant for tracepoints to be counted, or None if nothing is missing."""
    if not any(os.access(os.path.join(each, "events", "io_uring"), os.R_OK | os.X_OK) for each in FOLDERS):
        mount = "mount -t tracefs tracefs /sys/kernel/tracing"
        if os.geteuid() == 0:
            return f"tracepoints cannot be read: {mount}"
        return (f"tracepoints cannot be read: as root, {mount}, then run as root or "
                "chmod -R a+rX /sys/kernel/tracing and sysctl kernel.perf_event_paranoid=-1")
    if os.geteuid() == 0:
        return None
    with open("/proc/sys/kernel/perf_event_paranoid", encoding="ascii") as file:
        if int(file.read()) > -1:
            return "tracepoints cannot be counted: sysctl kernel.perf_event_paranoid=-1, or run as root"
    return None


def events(with_tracepoints):
    """By the name in the table, what perf calls them; without the tracepoints that this kernel does not have."""
    chosen = {name: name for name in SOFTWARE + HARDWARE}
    return chosen | (available(TRACEPOINTS) if with_tracepoints else {})


def available(tracepoints):
    return {name: event for name, event in tracepoints.items()
            if any(os.path.isdir(os.path.join(each, "events", *event.split(":"))) for each in FOLDERS)}


def counts_of(path, chosen):
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
                found[names[event]] = parts[0].strip("<>")  # "not supported", or "not counted"
    return found


def _stat(chosen, output, *whom):
    return ["perf", "stat", "-x,", "-o", output, "-e", ",".join(chosen.values()), *whom, "--"]


def run(scenarios, servers, driver, seconds, left_out):
    """For each scenario and server the counts per request."""
    missing = advice()
    if missing:
        print(f"  {missing}", flush=True)
    chosen = events(not missing)
    everywhere = {} if missing else available(EVERYWHERE)
    result = {"title": "perf stat, per request", "advice": missing, "events": chosen | everywhere, "scenarios": {}}
    output = os.path.join(driver.work, "perf_stat.csv")
    outer = _stat(everywhere, output + ".all", "-a") if everywhere else []

    def count(scenario, name, seen):
        with servers.start(name) as server:
            seen["commands"][name] = " ".join(server.command)
            load = scenario.load_of(name)
            driver.load(server, load, seconds)  # as often as it takes for memory to be there
            wrapper = [*outer, *_stat(chosen, output, "-p", str(server.process.pid))]
            answered = driver.load(server, load, seconds, wrapper)["answered"]
        counts = counts_of(output, chosen) | (counts_of(output + ".all", everywhere) if outer else {})
        return {event: value if isinstance(value, str) else value / answered for event, value in counts.items()}

    for scenario in scenarios:
        seen = {"title": scenario.title, "commands": {}, "servers": {}, "failed": {}}
        for name in scenario.servers:
            if name in left_out:
                continue
            try:
                seen["servers"][name] = count(scenario, name, seen)
            except Missing as error:
                left_out[name] = str(error)
            except (RuntimeError, OSError, ValueError) as error:
                print(f"  failed: {name}: {error}", flush=True)
                seen["failed"][name] = [str(error)]
        result["scenarios"][scenario.name] = seen
    return result
