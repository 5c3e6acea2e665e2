"""What perf/run concludes from what it sees, and how it tells it."""

import json
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "perf"))
from suite import counters, instructions, memory, report, rounds, scenarios, servers, targets  # noqa: E402


def seen(microseconds, p50=10.0):
    """What the load generator tells of a second with a thousand requests."""
    return {"requests": 1000, "answered": 1000, "seconds": 1.0, "errors": 0, "server_cpu": microseconds * 1000 * 1000,
            "own_cpu": 5e8, "stolen": 0.0, "latency": {each: p50 for each in ("p50", "p90", "p99", "p99.9", "max")}}


def result(*turns, failed=None):
    """Of a scenario: a dictionary of names and microseconds for each round."""
    names = dict.fromkeys(name for turn in turns for name in turn)
    return {"title": "a scenario", "ours": scenarios.US, "bytes_each": 0, "rate": 0, "load": {}, "commands": names,
            "failed": failed or {}, "rounds": [{name: seen(each) for name, each in turn.items()} for turn in turns]}


def record(**of_scenarios):
    return {"machine": {"date": "2026-01-01", "commit": "c", "processors": 2, "processor": "P", "memory": "1 GiB", "kernel": "6",
                        "compiler": "g++", "flags": "-O3", "peers": {}, "busy before": 0.01, "host": "h"},
            "command": "perf/run", "placement": "", "rounds": 3, "seconds": 1, "left_out": {},
            "scenarios": {name.replace("_", "-"): each for name, each in of_scenarios.items()}}


class Ratios(unittest.TestCase):
    def test_a_ratio_is_the_median_of_those_of_the_rounds_not_the_ratio_of_medians(self):
        of_three = result({scenarios.US: 1, "nginx": 2}, {scenarios.US: 4, "nginx": 4}, {scenarios.US: 9, "nginx": 3})
        self.assertEqual(rounds.ratios(of_three, "nginx", rounds.cpu), [0.5, 1.0, 3.0])
        self.assertEqual(rounds.ratio(of_three, "nginx", rounds.cpu), 1.0)

    def test_a_round_in_which_one_of_both_is_missing_gives_none(self):
        of_two = result({scenarios.US: 1}, {scenarios.US: 1, "nginx": 4})
        self.assertEqual(rounds.ratios(of_two, "nginx", rounds.cpu), [0.25])
        self.assertIsNone(rounds.ratio(result({scenarios.US: 1}), "nginx", rounds.cpu))


class Verdicts(unittest.TestCase):
    def test_three_quarters_of_the_rounds_decide(self):
        self.assertEqual(targets.verdict_of([1, 1, 1, 3], 2), "met")
        self.assertEqual(targets.verdict_of([1, 3, 3, 3], 2), "MISSED")
        self.assertEqual(targets.verdict_of([1, 1, 3, 3], 2), "undecided")
        self.assertEqual(targets.verdict_of([1, 1, 1, 1, 1, 3, 3, 3, 3], 2), "undecided")

    def test_what_is_as_much_as_it_may_be_is_met_and_one_figure_decides(self):
        self.assertEqual(targets.verdict_of([2], 2), "met")
        self.assertEqual(targets.verdict_of([2.001], 2), "MISSED")

    def test_what_was_not_measured_is_neither(self):
        self.assertEqual({row[4] for row in targets.verdicts(record())}, {"not measured"})

    def test_idle_memory_is_judged_by_its_number_of_connections_or_not_at_all(self):
        of_few = record() | {"memory": {"servers": {scenarios.US: {"alone": 1, "connections": {"1000": 1000}}}}}
        verdicts = {row[1]: row[4] for row in targets.verdicts(of_few)}
        self.assertEqual(verdicts["each of 15,000 idle connections"], "not measured")
        self.assertEqual(memory.bytes_each({"connections": {"1000": 4000}}, 1000), 4)


class Scenarios(unittest.TestCase):
    def test_every_server_of_every_scenario_is_known(self):
        known = servers.programs("response", "log", "files")
        for scenario in scenarios.all_scenarios():
            for name in scenario.servers:
                self.assertIn(name, known, scenario.name)

    def test_only_the_attacked_server_meets_slow_clients(self):
        scenario = next(each for each in scenarios.all_scenarios() if each.slow)
        self.assertIn("--slow", scenario.load_of(scenarios.ATTACKED))
        self.assertNotIn("--slow", scenario.load_of(scenarios.US))
        self.assertEqual(scenario.most_connections, 10_064)


class Reports(unittest.TestCase):
    def test_who_did_not_take_part_in_every_round_is_told_and_why(self):
        page = report.markdown(record(keep_alive_64=result({scenarios.US: 1, "nginx": 2}, {scenarios.US: 1},
                                                           failed={"nginx": ["fell over"]})), [])
        self.assertIn("nginx (1 of 2 turns)", page)
        self.assertIn("nginx failed: fell over", page)
        self.assertNotIn(f"{scenarios.US} (", page)

    def test_a_record_is_read_again_as_it_was(self):
        one = record(keep_alive_64=result({scenarios.US: 1, "nginx": 2}))
        self.assertEqual(json.loads(report.as_json(one)), json.loads(json.dumps(one)))

    def test_the_first_page_tells_the_ratios(self):
        text = report.headline(record(keep_alive_64=result({scenarios.US: 1, "nginx": 2})), "results", "plot.svg")
        self.assertIn("| nginx | 0.50 |", text)
        self.assertIn("(results/plot.svg)", text)

    def test_only_what_is_between_the_markers_changes(self):
        with tempfile.TemporaryDirectory() as folder:
            page = os.path.join(folder, "page.md")
            with open(page, "w", encoding="utf-8") as file:
                file.write(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
            report.put_into(page, "new\n")
            with open(page, encoding="utf-8") as file:
                self.assertEqual(file.read(), f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n")


class Parsers(unittest.TestCase):
    def parse(self, parser, text, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "output")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            return parser(path, *arguments)

    def test_counts_of_perf(self):
        told = "# started on Monday\n\n12.5,msec,task-clock:u,1,100.00,,\n<not supported>,,cycles,0,100.00,,\n7,,io_uring:x,1,100,,\n"
        counts = self.parse(counters.counts_of, told, {"clock": "task-clock", "cycles": "cycles", "x": "io_uring:x", "y": "y"})
        self.assertEqual(counts, {"clock": 12.5, "cycles": "not supported", "x": 7.0})

    def test_cost_by_callgrind_counts_each_function_once_and_tells_the_parser_apart(self):
        told = ("fn=(1) tuyau::serve()\n10 100\ncfn=(2) llhttp__internal_execute\ncalls=3 20\n11 70\n+1 5\n"
                "fn=(2)\n20 70\nfn=(3) llhttp_like::mine(int)\n* 4\n")
        self.assertEqual(self.parse(instructions.cost_of, told), {"all": 179, "llhttp": 70})


if __name__ == "__main__":
    unittest.main()
