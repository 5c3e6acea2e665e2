"""The record as pictures: SVG, by Matplotlib (long kept up, in every archive, and it draws what a page needs by itself)."""

import os

from . import rounds
from .scenarios import KEEP_ALIVE, US

COLOURS = {
    "uring-http": "#0e7490", "bare liburing": "#22a6b3", "bare liburing, waiting": "#7ed6df", "bare epoll": "#f0932b",
    "Asio, epoll": "#eb4d4b", "Asio, io_uring": "#b33939", "nginx": "#6ab04c", "h2o": "#4834d4", "node": "#535c68",
}
CHEAP = [name for name in COLOURS if name != "node"]  # which costs so much that beside it all others would look alike


def draw(record, folder, stem):
    """Pairs of title and file name. Raises ImportError where Matplotlib is missing."""
    import matplotlib  # here, so that all else works without it
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "tuyau", "font.size": 10, "figure.figsize": (8, 4.2),
                                "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True})
    from matplotlib import pyplot
    drawn = []
    for name, title, plot in PLOTS:
        figure, axes = pyplot.subplots(layout="constrained")
        if plot(record, axes):
            axes.set_title(title)
            axes.grid(axis="y", color="#dddddd")
            file = f"{stem}-{name}.svg"
            figure.text(0.995, 0.005, _source(record), ha="right", va="bottom", fontsize=6, color="#777777")
            figure.get_layout_engine().set(rect=(0, 0.05, 1, 0.95))
            figure.savefig(os.path.join(folder, file), metadata={"Date": None})
            drawn.append((title, file))
        pyplot.close(figure)
    return drawn


def _source(record):
    facts = record["machine"]
    return (f"{record['command']}    {record['placement']}\n{facts['date'][:10]}, commit {facts['commit']}, "
            f"Linux {facts['kernel']}, {facts['processors']} × {facts['processor']}, {facts['compiler']}")


def _bars(record, axes, value_of, label, names):
    """`value_of(result, name)` for each server, side by side with few and with many connections."""
    chosen = [(count, record["scenarios"].get(f"keep-alive-{count}")) for count in (64, 512)]
    chosen = [(count, result) for count, result in chosen if result]
    names = [name for name in names if any(value_of(result, name) is not None for _, result in chosen)]
    for place, (count, result) in enumerate(chosen):
        found = [(index, name, value) for index, name in enumerate(names)
                 if (value := value_of(result, name)) is not None]
        values = [value for _, _, value in found]
        places = [index + (place - (len(chosen) - 1) / 2) * 0.4 for index, _, _ in found]
        bars = axes.bar(places, values, 0.38, color=[COLOURS[name] for _, name, _ in found], alpha=1 if place == 0 else 0.55,
                        label=f"{count} connections")
        axes.bar_label(bars, [f"{value:.2f}" if value < 1000 else f"{value:,.0f}" for value in values], fontsize=7)
    axes.set_xticks(range(len(names)), [name.replace(", ", "\n").replace(" ", "\n", 1) for name in names], fontsize=8)
    axes.set_ylabel(label)
    _legend(axes)
    return bool(names)


def _throughput(record, axes):
    return _bars(record, axes, lambda result, name: rounds.median(result, name, rounds.rate), "requests a second", COLOURS)


def _cpu(record, axes):
    """The ratios, not microseconds beside each other: between two servers' turns a machine drifts."""
    axes.axhline(1, color="#555555", linewidth=0.8)
    return _bars(record, axes, lambda result, name: rounds.ratio(result, name, rounds.cpu),
                 "CPU time of uring-http by that of the peer", [each for each in CHEAP if each != US])


def _lines(axes, series):
    for name, points in series.items():
        if points:
            axes.plot(*zip(*points), marker="o", markersize=3, label=name, color=COLOURS.get(name))
    _legend(axes)
    axes.set_ylim(bottom=0 if axes.get_yscale() == "linear" else None)
    return any(series.values())


def _legend(axes):
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)


def _latency(record, axes):
    result = record["scenarios"].get("fixed-rate")
    if not result:
        return False
    series = {}
    for name in COLOURS:
        values = [rounds.median(result, name, rounds.latency(each)) for each in PERCENTILES]
        series[name] = list(zip(PERCENTILES, values)) if None not in values else []
    axes.set_yscale("log")
    axes.set_ylabel("µs from when a request was due")
    return _lines(axes, series)


def _memory(record, axes):
    found = record.get("memory", {}).get("servers", {})
    axes.set_xlabel("idle keep-alive connections")
    axes.set_ylabel("resident memory for them, MiB")
    return _lines(axes, {name: [(int(count), size / 2**20) for count, size in seen["connections"].items()]
                         for name, seen in found.items()})


def _concurrency(record, axes):
    series = {}
    for name in CHEAP:
        points = [(count, rounds.median(record["scenarios"].get(f"keep-alive-{count}", NOTHING), name, rounds.cpu))
                  for count in KEEP_ALIVE]
        series[name] = [point for point in points if point[1] is not None]
    axes.set_xscale("log")
    axes.set_xlabel("connections")
    axes.set_ylabel("CPU of the server, µs a request")
    return _lines(axes, series)


PERCENTILES = ("p50", "p90", "p99", "p99.9", "max")
NOTHING = {"rounds": []}
PLOTS = (
    ("cpu", "CPU per request, less than 1 is cheaper than the peer", _cpu),
    ("throughput", "Throughput", _throughput),
    ("latency", "Latency at half of nginx's peak rate", _latency),
    ("memory", "Memory against idle connections", _memory),
    ("concurrency", "Cost against concurrency", _concurrency),
)
