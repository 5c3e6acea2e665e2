"""User-space instructions per request, by callgrind: exact, and the same on any machine with the same programs."""

import collections
import glob
import os
import re

from . import processes

REQUESTS = 2000
WARMING = 200


def run(names, connections, servers, driver, left_out):
    """For each server and number of connections the instructions per plain GET, and llhttp's share of them."""
    result = {"title": "user-space instructions per plain GET (callgrind)", "servers": {}, "failed": {}}
    for name in names:
        if name in left_out:
            continue
        for count in connections:
            try:
                result["servers"].setdefault(name, {})[str(count)] = _measure(name, count, servers, driver)
            except (RuntimeError, OSError, ValueError) as error:
                print(f"  failed: {name}: {error}", flush=True)
                result["failed"][name] = [str(error)]
                break
    return result


def _measure(name, count, servers, driver):
    output = os.path.join(servers.work, "callgrind.out")
    for old in glob.glob(output + "*"):
        os.remove(old)
    wrapper = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={output}"]
    with servers.start(name, wrapper) as server:
        options = ["--connections", str(count), "--requests"]
        driver.load(server, [*options, str(WARMING)], 60)
        # Both accept and close; what the second one took more is what its requests took.
        small = _between_dumps(server, driver, [*options, "1"], output, 1)
        large = _between_dumps(server, driver, [*options, str(REQUESTS)], output, 2)
    requests = large["requests"] - small["requests"]
    cost = {each: (large["cost"][each] - small["cost"][each]) / requests for each in ("all", "llhttp")}
    return {"all": cost["all"], "llhttp": cost["llhttp"], "rest": cost["all"] - cost["llhttp"]}


def _between_dumps(server, driver, options, output, number):
    """The cost of one run of the load generator, and the requests that were answered in it."""
    process = str(server.process.pid)
    processes.run(["callgrind_control", "-z", process], 60)
    seen = driver.load(server, options, 60)
    processes.run(["callgrind_control", "-d", process], 60)
    path = processes.wait_for(lambda: next(iter(glob.glob(f"{output}.{number}")), None), server.process)
    return {"requests": seen["answered"], "cost": cost_of(path)}


def cost_of(path):
    """The instructions in one of callgrind's files: of all functions, and of llhttp's."""
    names, cost, current, is_call = {}, collections.Counter(), None, False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("fn="):
                number, name = re.match(r"fn=\((\d+)\)(?: (.*))?", line).groups()
                if name:
                    names[number] = name
                current = number
            elif line.startswith("cfn="):
                number, name = re.match(r"cfn=\((\d+)\)(?: (.*))?", line).groups()
                if name:
                    names[number] = name
            elif line.startswith("calls="):
                is_call = True  # the next line is what the call cost, which the function called has already
            elif current and line[:1] in "0123456789+-*":
                if not is_call:
                    cost[current] += int(line.split()[1])
                is_call = False
    # llhttp's are C functions, so that ours, whose names have arguments, are told from them.
    parsing = re.compile(r"^ll(?:http|parse)_\w*(?:'\d+)?$")
    return {"all": sum(cost.values()), "llhttp": sum(value for number, value in cost.items() if parsing.match(names[number]))}
