"""Resident memory: of a server without connections, and of each idle connection."""

import statistics

PROCESSES = 3


def run(names, counts, servers, driver, left_out):
    """For each server its resident bytes when it has answered once, and with so many idle connections:
    medians of several processes."""
    result = {"title": "idle keep-alive connections", "servers": {}, "failed": {}}
    for name in names:
        if name in left_out:
            continue
        try:
            result["servers"][name] = _measure(name, counts, servers, driver)
        except (RuntimeError, OSError, ValueError) as error:
            print(f"  failed: {name}: {error}", flush=True)
            result["failed"][name] = [str(error)]
    return result


def _measure(name, counts, servers, driver):
    alone, added = [], {count: [] for count in counts}
    for _ in range(PROCESSES):
        for count in counts:
            # A server of its own each time: what one run left allocated would hide what the next one needs.
            with servers.start(name) as server:
                driver.load(server, ["--connections", "1", "--requests", "10"], 1)
                alone.append(server.resident())
                with driver.idle(server, count):
                    added[count].append(server.resident() - alone[-1])
    return {"alone": statistics.median(alone), "connections": {str(count): statistics.median(each) for count, each in added.items()}}


def bytes_each(seen, count):
    return seen["connections"][str(count)] / count
