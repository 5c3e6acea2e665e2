"""Runs a scenario: its servers take turns, round by round."""

import contextlib
import json
import os
import statistics
import subprocess

from . import machine, processes
from .servers import Missing


FAILURES = 2  # of a server; then it has no further turn in the scenario


def settling(options):
    """Seconds of load before each measurement: so that every connection has asked several times, and a new process is warm."""
    connections = int(options[options.index("--connections") + 1])
    return 0.3 if connections < 1000 else 0.3 + connections / 20_000


class Driver:
    """Starts the load generator on the processors given."""

    def __init__(self, binaries, cpus, work):
        self.program = os.path.join(binaries, "load")
        self.cpus, self.work = cpus, work

    def command(self, port, options):
        return processes.pinned(self.cpus, [self.program, "--port", str(port), *options])

    def load(self, server, options, seconds, wrapper=()):
        """What it saw, as a dictionary. `wrapper`: a command that the load generator's is given to."""
        options = [*options, "--seconds", f"{seconds:g}", "--warm-up", f"{settling(options):g}", "--watch", str(server.process.pid)]
        with machine.stolen_share() as stolen:
            output, _ = processes.run([*wrapper, *self.command(server.port, options)], seconds + 90)
        seen = json.loads(output) | {"stolen": stolen()}
        if seen["requests"] == 0:
            raise RuntimeError("answered no request")
        return seen

    @contextlib.contextmanager
    def idle(self, server, count):
        """Connections that made one request each, kept open within the `with` block."""
        output = os.path.join(self.work, "idle.log")
        command = self.command(server.port, ["--connections", "0", "--idle", str(count), "--seconds", "0", "--hold"])
        process = processes.start(command, output, stdin=subprocess.PIPE)
        try:
            # It tells what it saw when all of them are there, and what is wrong when they are not.
            processes.wait_for(lambda: os.path.getsize(output) > 0, process, 90)
            with open(output, encoding="utf-8") as told:
                said = told.read()
            if not said.lstrip().startswith("{"):
                raise RuntimeError(f"idle connections: {said.strip()}")
            yield
        finally:
            process.stdin.close()
            processes.end(process)


def run(scenario, servers, driver, settings, left_out):
    """A dictionary for the record: the load, for each round what each server showed, and for each server that failed why,
    each time. What is not on this machine goes into `left_out`.

    Each turn has a new process: where its memory lies makes some percent of a difference between two of one program.
    """
    result = {"title": scenario.title, "load": {name: scenario.load_of(name) for name in scenario.servers},
              "ours": scenario.ours, "bytes_each": scenario.bytes_each, "rounds": [], "commands": {}, "failed": {}}
    for number in range(settings.rounds):
        order = [name for name in scenario.servers
                 if name not in left_out and len(result["failed"].get(name, [])) < FAILURES]
        if number % 2:
            order.reverse()
        result["rounds"].append({})
        for name in order:
            try:
                with servers.start(name) as server:
                    result["commands"].setdefault(name, " ".join(server.command))
                    result["rounds"][-1][name] = driver.load(server, scenario.load_of(name), settings.seconds)
            except Missing as error:
                print(f"  left out: {name} {error}", flush=True)
                left_out[name] = str(error)
            except (RuntimeError, OSError, ValueError) as error:
                print(f"  failed: {name}: {error}", flush=True)
                result["failed"].setdefault(name, []).append(str(error))
    return result


def cpu(seen):
    """Microseconds of the server's CPU time per request."""
    return seen["server_cpu"] / seen["requests"] / 1000


def busy(seen):
    """The share of its processor that the server took."""
    return seen["server_cpu"] / seen["seconds"] / 1e9


def load_busy(seen):
    """The share of its processor that the load took."""
    return seen["own_cpu"] / seen["seconds"] / 1e9


def rate(seen):
    return seen["requests"] / seen["seconds"]


def latency(percentile):
    return lambda seen: seen["latency"][percentile]


def median(result, name, what):
    """Of the rounds in which it took part; None if there are none."""
    values = [what(each[name]) for each in result["rounds"] if name in each]
    return statistics.median(values) if values else None


def ratios(result, name, what):
    """Ours against `name`, round by round."""
    ours = result["ours"]
    return [what(each[ours]) / what(each[name]) for each in result["rounds"]
            if ours in each and name in each and what(each[name]) > 0]


def ratio(result, name, what):
    """The median of those; None if there are none."""
    values = ratios(result, name, what)
    return statistics.median(values) if values else None


def turns(result, name):
    """In how many rounds it took part."""
    return sum(name in each for each in result["rounds"])


def servers_of(result):
    """In the order in which they were given."""
    return list(result["commands"])
