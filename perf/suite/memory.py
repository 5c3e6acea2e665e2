"""Resident memory: of a server without connections, and of each idle connection."""


def run(names, counts, servers, driver, left_out):
    """For each server its resident bytes when it has answered once, and with so many idle connections."""
    result = {"title": "idle keep-alive connections", "servers": {}, "failed": {}}
    for name in names:
        if name in left_out:
            continue
        try:
            result["servers"][name] = _measure(name, counts, servers, driver)
        except (RuntimeError, OSError, ValueError) as error:
            print(f"  failed: {name}: {error}", flush=True)
            result["failed"][name] = str(error)
    return result


def _measure(name, counts, servers, driver):
    seen = {"connections": {}}
    for count in counts:
        # A server of its own each time: what one run left allocated would hide what the next one needs.
        with servers.start(name) as server:
            driver.load(server, ["--connections", "1", "--requests", "10"], 1)
            seen["alone"] = server.resident()
            with driver.idle(server, count):
                seen["connections"][str(count)] = server.resident() - seen["alone"]
    return seen


def bytes_each(seen):
    """By the largest number of connections."""
    count = max(seen["connections"], key=int)
    return seen["connections"][count] / int(count)
