"""The record as Markdown, and as what is printed."""

import json
import statistics

from . import rounds, targets

BEGIN, END = "<!-- results begin -->", "<!-- results end -->"


def table(header, rows):
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def failures(result):
    return "".join(f"\n\n{name} failed: {'; '.join(dict.fromkeys(why))}" for name, why in result.get("failed", {}).items())


def number(value, digits=2):
    return "–" if value is None else f"{value:,.{digits}f}"


def share(value):
    return "–" if value is None else f"{value:.0%}"


def _targets(record):
    # A digit more where two would hide by how little it was missed.
    def digits(most, value, verdict):
        return 3 if verdict == "MISSED" and number(value) == number(float(most.split()[0])) else 2

    def extremes(seen):
        return f"{number(min(seen))} to {number(max(seen))}" if len(seen) > 1 else ""

    rows = [[f"{what}, {where}", f"≤ {most}", number(value, digits(most, value, verdict)), extremes(seen), verdict]
            for what, where, most, value, verdict, seen in targets.verdicts(record)]
    return "### Targets\n\n" + table(["CPU and latency are ratios", "target", "median", "of rounds from", ""], rows)


def _scenario(result):
    echo = result["bytes_each"]
    header = [result["title"], "CPU µs", "ratio", "busy", "load busy", "a second", "p50 µs", "p99 µs", "p99.9 µs"]
    if echo:
        header[1:1] = ["CPU s/GiB"]
    rows = []
    for name in rounds.servers_of(result):
        cpu = rounds.median(result, name, rounds.cpu)
        ratio = None if name == result["ours"] else rounds.ratio(result, name, rounds.cpu)
        turns = rounds.turns(result, name)
        partly = "" if turns == len(result["rounds"]) else f" ({turns} of {len(result['rounds'])} turns)"
        row = [name + partly, number(cpu), number(ratio), share(rounds.median(result, name, rounds.busy)),
               share(rounds.median(result, name, rounds.load_busy)), number(rounds.median(result, name, rounds.rate), 0)]
        row += [number(rounds.median(result, name, rounds.latency(each)), 0) for each in ("p50", "p99", "p99.9")]
        if echo:
            row[1:1] = [number(None if cpu is None else cpu / 1e6 * 2**30 / echo, 3)]
        rows.append(row)
    note = f"\n\n{result['rate']:,.0f} requests a second were due." if result.get("rate") else ""
    return table(header, rows) + note + failures(result)


def _memory(result):
    counts = sorted({int(each) for seen in result["servers"].values() for each in seen["connections"]})
    header = ["resident memory", "alone, MiB", *(f"{each:,} idle, bytes each" for each in counts)]
    rows = [[name, number(seen["alone"] / targets.MIB)]
            + [number(seen["connections"][str(each)] / each, 0) for each in counts]
            for name, seen in result["servers"].items()]
    return table(header, rows)


def _count(name, value):
    if value is None or isinstance(value, str):
        return value or "–"
    if name == "task-clock":
        return number(value * 1000)  # milliseconds
    return number(value, 0 if value >= 1000 else 4)


def _connections(count):
    return f"{count} connection{'s' * (count != '1')}"


def _counters(result):
    parts = [f"Not all could be counted: {result['advice']}."] if result["advice"] else []
    names = {"task-clock": "task-clock, µs"}
    for scenario in result["scenarios"].values():
        counted = scenario["servers"]
        seen = {event: [counts.get(event) for counts in counted.values()] for event in result["events"]}
        nothing = [event for event, values in seen.items() if all(value == 0 for value in values)]
        rows = [[names.get(event, event)] + [_count(event, value) for value in values]
                for event, values in seen.items() if event not in nothing]
        part = table([f"per request, {scenario['title']}", *counted], rows) if counted else f"{scenario['title']}: not counted."
        if counted and nothing:
            part += f"\n\nNot one: {', '.join(nothing)}."
        parts.append(part + failures(scenario))
    return "\n\n".join(parts)


def _instructions(result):
    rows = [[f"{name}, {_connections(count)}",
             *(number(seen[each], 0) for each in ("all", "llhttp", "rest"))]
            for name, counts in result["servers"].items() for count, seen in counts.items()]
    return table(["user-space instructions per plain GET", "all", "llhttp's", "the rest"], rows)


def _stolen(record):
    stolen = [seen["stolen"] for result in record["scenarios"].values() for each in result["rounds"] for seen in each.values()]
    if not stolen:
        return ""
    return (f"Other virtual machines took {statistics.median(stolen):.1%} of a turn's time (median of {len(stolen)} turns; "
            f"the most {max(stolen):.1%}).")


def _machine(record):
    facts = record["machine"]
    peers = ", ".join(f"{name} {version}" for name, version in facts["peers"].items())
    lines = [
        f"{facts['date']}, commit {facts['commit']}: `{record['command']}`",
        f"{facts['processors']} × {facts['processor']}, {facts['memory']}, Linux {facts['kernel']}; "
        f"{facts['compiler']}, `{facts['flags']}`",
        f"Before the first turn others took {facts['busy before']:.1%} of the processors. {_stolen(record)}",
        f"Peers: {peers}. {record['placement']}",
        *(f"Left out: {name} ({why})" for name, why in record["left_out"].items()),
    ]
    return "\n".join("- " + line for line in lines)


def markdown(record, plots):
    """All tables; `plots` are the names of the pictures, in the same folder."""
    parts = [_machine(record), _targets(record), *(f"![{title}]({name})" for title, name in plots), "### Scenarios"]
    parts += [_scenario(each) for each in record["scenarios"].values()]
    for title, key, form in (("Memory", "memory", _memory), ("Counts", "counters", _counters),
                             ("Instructions", "instructions", _instructions)):
        part = record.get(key, {})
        if part.get("servers") or part.get("scenarios"):
            parts += [f"### {title}", form(part) + failures(part)]
        elif part.get("failed"):
            parts += [f"### {title}", "Not measured." + failures(part)]
    return "\n\n".join(parts) + "\n"


def as_json(value, depth=0):
    """A line for each measurement, so that the record is neither one line nor thousands."""
    if depth == 5 or not isinstance(value, (dict, list)) or not value:
        return json.dumps(value, ensure_ascii=False)
    pad, mapping = " " * (depth + 1), isinstance(value, dict)
    parts = [pad + (json.dumps(key, ensure_ascii=False) + ": " if mapping else "") + as_json(each, depth + 1)
             for key, each in (value.items() if mapping else enumerate(value))]
    return ("{" if mapping else "[") + "\n" + ",\n".join(parts) + "\n" + " " * depth + ("}" if mapping else "]")


def headline(record, folder, plot):
    """What the first page of the project tells of a run; the name of the picture may be None."""
    facts = record["machine"]
    parts = [f"![CPU time of a request to uring-http by that of its peers]({folder}/{plot})"] if plot else []
    counts = [each for each in (64, 512) if f"keep-alive-{each}" in record["scenarios"]]
    peers = ["bare liburing", "bare epoll", "Asio, epoll", "Asio, io_uring", "nginx", "h2o"]
    rows = [[name] + [number(rounds.ratio(record["scenarios"][f"keep-alive-{each}"], name, rounds.cpu)) for each in counts]
            for name in peers]
    parts.append(table(["CPU time of a request to uring-http, by that of", *(f"{each} connections" for each in counts)], rows))
    parts.append(f"Medians of {record['rounds']} rounds on {facts['processors']} × {facts['processor']}, "
                 f"Linux {facts['kernel']}, commit {facts['commit']}; less than 1 is cheaper than the peer.")
    files = [f"one of {size} {number(rounds.ratio(record['scenarios'][name], 'nginx, files', rounds.cpu))}"
             for name, size in (("file-1k", "1 KiB"), ("file-100k", "100 KiB"), ("file-10m", "10 MiB"))
             if name in record["scenarios"]]
    idle = {name: seen["connections"].get(str(targets.IDLE)) for name, seen in record.get("memory", {}).get("servers", {}).items()}
    last = [f"A file takes of nginx's CPU time: {', '.join(files)}."] if files else []
    if idle.get("uring-http") and idle.get("nginx"):
        ours, theirs = (number(idle[each] / targets.IDLE, 0) for each in ("uring-http", "nginx"))
        last.append(f"Each of {targets.IDLE:,} idle connections takes {ours} bytes of resident memory, of nginx {theirs}.")
    return "\n\n".join([*parts, *([" ".join(last)] if last else [])]) + "\n"


def put_into(path, text):
    """Between the markers in the page at `path`."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n\n" + text + "\n" + END + after)


def seen_from_above(text, folder):
    """The page, whose pictures are beside it, for one that is in the folder above it."""
    return text.replace("](", f"]({folder}/")


def print_targets(record):
    """Those that something was measured for."""
    rows = [row[:5] for row in targets.verdicts(record) if row[3] is not None]
    if rows:
        print(f"\n{'target':66}{'at most':>12}{'measured':>12}")
    for what, where, most, value, verdict in rows:
        print(f"{what + ', ' + where:66}{most:>12}{number(value):>12}  {verdict}")
