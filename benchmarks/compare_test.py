#!/usr/bin/env python3
"""compare.py, growth.py and guard.py against programs that only pretend to measure. From the root of the repository."""

import sys

sys.dont_write_bytecode = True

import json
import pathlib
import subprocess
import tempfile
import unittest
import unittest.mock
import xml.etree.ElementTree

HERE = pathlib.Path("benchmarks").absolute()
sys.path.insert(0, str(HERE))

import compare
import growth
import guard
from measuring import judge, markdown, sampling, svg, targets
from measuring.ours import Ours
from measuring.peers import Peer
from measuring.process import Failed, Sample, Unsound, output_of

# What both kinds of program begin with: what they shall do is in the file NAME.json beside them; which row they measured
# goes to the common log. Of a row's values the next one is reported each time.
COMMON = f"#!{sys.executable} -IS\n" + """\
import json, pathlib, re, sys
me = pathlib.Path(__file__)
told = json.loads(me.with_name(me.name + ".json").read_text())
log = me.with_name("log")
def measure(row):
    before = log.read_text().splitlines() if log.exists() else []
    with open(log, "a") as f: f.write(f"{told['side']} {row}\\n")
    values = told["rows"][row]
    return values[before.count(f"{told['side']} {row}") % len(values)]
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
"""
PEER = COMMON + """\
if told.get("refuses"): sys.exit(told["refuses"])
names = sorted({row.split("/workers:")[0] for row in told["rows"]})
if sys.argv[1] == "-version": print(told["version"])
elif sys.argv[1] == "-list": print(*names, sep="\\n")
else:
    assert float(arguments["-min"]) > 0
    for name in names:
        row = f"{name}/workers:{arguments['-workers']}"
        if not re.search(arguments["-run"], name): continue
        value = measure(row)
        if isinstance(value, str): sys.exit(value)
        print(told.get("says", row), value, 2 * value)
"""
OURS = COMMON + """\
names = {row + told.get("kind", "/process_time/manual_time"): row for row in told["rows"]}
if sys.argv[1] == "--benchmark_list_tests":
    print(*names, sep="\\n")
    sys.exit()
options = dict(a.removeprefix("--benchmark_").split("=", 1) for a in sys.argv[1:])
(row, ) = [row for name, row in names.items() if re.search(options["filter"], name)]
value = measure(row)
error = {"error_occurred": True, "error_message": value} if isinstance(value, str) else {}
print(json.dumps({
    "context": {"sluice_optimised": told.get("optimised", "yes"), "compiler": "g++ 12"},
    "benchmarks": [{"real_time": value, "cpu_time": value, "time_unit": told.get("unit", "ns"), **error}]}))
"""


class Fakes(unittest.TestCase):
    """A folder with programs that pretend."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def ours(self, rows, name="fake_bench", **told):
        self.write(f"{name}.json", json.dumps({"side": "ours", "rows": rows, **told}))
        return self.write(name, OURS)

    def peer(self, name, rows, **told):
        version = told.pop("version", f"{name} 1.0, cc 2")
        self.write(f"{name}_peer.json", json.dumps({"side": name, "rows": rows, "version": version, **told}))
        self.write(f"build_{name}.sh", f"#!/bin/sh\necho building in $1\necho {self.write(f'{name}_peer', PEER)}\n")

    def targets(self, names, rows=""):
        peers = "\n".join(f'"{name}" = "build_{name}.sh"' for name in names)
        return self.write("targets.toml", f"[peers]\n{peers}\n{rows}")

    def script(self, script, *arguments):
        """Runs a script on our fake programs; returns status, standard output and standard error."""
        command = [sys.executable, str(HERE / script), "--bin", str(self.folder), *arguments]
        result = subprocess.run(command, text=True, capture_output=True, check=False, timeout=300)
        return result.returncode, result.stdout, result.stderr

    def compare(self, *arguments, reps=1):
        return self.script("compare.py", "--targets", str(self.folder / "targets.toml"), f"--reps={reps}", *arguments)

    def measured(self):
        return (self.folder / "log").read_text().split("\n")[:-1]


class Comparing(Fakes):

    def test_sides_alternate_and_the_first_moves_on(self):
        rows = ["W1_yield/workers:1", "W4_ring/workers:2"]
        self.ours(dict.fromkeys(rows, [1]))
        self.peer("Go", dict.fromkeys(rows, [1]))
        self.peer("tokio", dict.fromkeys(rows, [1]))
        self.targets(["Go", "tokio"])
        status, _, _ = self.compare(reps=4)
        self.assertEqual(status, 0)
        orders = [["ours", "Go", "tokio"], ["Go", "tokio", "ours"], ["tokio", "ours", "Go"], ["ours", "Go", "tokio"]]
        expected = [f"{side} {row}" for order in orders for row in rows for side in order]
        self.assertEqual(self.measured(), ["ours W1_yield/workers:1", *expected])  # the first one shows how it was built

    def test_the_table_is_printed_and_saved(self):
        self.ours({"W3_ping_pong/workers:1": [50, 40, 45, 40], "W3_ping_pong/workers:2": [50], "other/workers:1": [1]})
        self.peer("Go", {"W3_ping_pong/workers:1": [200, 180, 190], "W3_ping_pong/workers:2": [300]})
        self.targets(["Go"], "[rows.W3_ping_pong]\ngo = [4.5, 7]")
        out = self.folder / "new" / "out"
        status, text, _ = self.compare("--save", str(out), reps=3)
        self.assertEqual(status, 0)
        self.assertIn("| W3_ping_pong | 1 | 40.0 | 190 | 4.75x | 4.5x | yes |", text)
        self.assertIn("| W3_ping_pong | 2 | 50.0 | 300 | 6.00x | 7x | **no** |", text)
        self.assertIn("12%, 11%", text)
        self.assertIn("Targets: 1 of 2 reached; not W3_ping_pong/workers:2.", text)
        self.assertIn("Go 1.0, cc 2", text)
        self.assertIn("g++ 12", text)
        self.assertNotIn("| other", text)
        self.assertIn(text, (out / "RESULTS.md").read_text())
        saved = json.loads((out / "results.json").read_text())
        self.assertEqual(saved["samples"]["W3_ping_pong/workers:1"]["Go"], [[200, 400], [180, 360], [190, 380]])
        self.assertEqual({"date", "kernel", "cpu", "load_before", "load_after"}, set(saved["machine"]))
        self.assertEqual([line["reached"] for line in saved["table"]], [True, False])
        xml.etree.ElementTree.parse(out / "ratios.svg")

        log = self.measured()
        status, again, _ = self.compare("--again", str(out / "results.json"))
        self.assertEqual((status, again, self.measured()), (0, text, log))
        self.assertEqual(self.compare("--again", str(out / "results.json"), "--strict")[0], 1)
        (out / "results.json").write_text("[]")
        status, _, error = self.compare("--again", str(out / "results.json"))
        self.assertEqual(status, 2)
        self.assertIn("results.json is not what --save wrote", error)

    def test_our_unoptimised_build_is_refused(self):
        self.ours({f"W{n}_x/workers:1": [1] for n in range(3)})
        self.ours({"W4_ring/workers:1": [1]}, name="other_bench", optimised="no")
        self.targets([])
        status, text, error = self.compare()
        self.assertEqual((status, text), (2, ""))
        self.assertIn("other_bench is not an optimised build", error)
        self.assertLessEqual(len(self.measured()), 2)  # before time is spent

    def test_an_unoptimised_peer_is_refused(self):
        self.ours({"W1_yield/workers:1": [1]})
        self.targets(["Go"])
        for told in ({"version": "Go 1.23, not optimised"}, {"refuses": "not an optimised build: use -O3"}):
            self.peer("Go", {"W1_yield/workers:1": [1]}, **told)
            status, text, error = self.compare()
            self.assertEqual((status, text), (2, ""))
            self.assertRegex(error, "Go.*not (an )?optimised")

    def test_a_failing_peer_is_named_and_the_others_go_on(self):
        rows = ["W1_yield/workers:1", "W4_ring/workers:1"]
        self.ours(dict.fromkeys(rows, [10]))
        self.peer("Go", {rows[0]: [20, "a message is lost"], rows[1]: [30]})
        self.targets(["Go"])
        status, text, _ = self.compare("--save", str(self.folder / "out"), reps=3)
        self.assertEqual(status, 1)
        self.assertRegex(text, r"\*\*Go failed W1_yield/workers:1\*\*: .*Go_peer failed with 1: a message is lost")
        self.assertIn("| W1_yield | 1 | 10.0 |  |  |", text)
        self.assertIn("| W4_ring | 1 | 10.0 | 30.0 | 3.00x |", text)
        self.assertEqual(self.measured().count("Go W1_yield/workers:1"), 2)
        again = self.compare("--again", str(self.folder / "out" / "results.json"))
        self.assertEqual(again[:2], (1, text))

    def test_our_failure_is_named(self):
        self.ours({"W1_yield/workers:1": [10, "a yield is missing"], "W4_ring/workers:1": [10]})
        self.targets([])
        status, text, _ = self.compare(reps=2)
        self.assertEqual(status, 1)
        self.assertIn("**ours failed W1_yield/workers:1**: W1_yield/workers:1: a yield is missing.", text)
        self.assertNotIn("| W1_yield |", text)

    def test_a_peer_that_cannot_be_had_is_missing(self):
        self.ours({"W1_yield/workers:1": [10]})
        self.peer("Go", {"W1_yield/workers:1": [30]})
        self.write("build_tokio.sh", "#!/bin/sh\necho no cargo here >&2\nexit 3\n")
        self.targets(["tokio", "Go", "nowhere"])
        status, text, error = self.compare()
        self.assertEqual(status, 0)
        self.assertRegex(text, r"\*\*tokio is missing\*\*: .*build_tokio.sh failed with 3: no cargo here")
        self.assertRegex(text, r"\*\*nowhere is missing\*\*: .*cannot be run: No such file")
        self.assertIn("tokio is missing and left out", error)
        self.assertIn("| W1_yield | 1 | 10.0 | 30.0 | 3.00x |", text)
        status, _, error = self.compare("--require")
        self.assertEqual(status, 2)
        self.assertIn("tokio is missing: ", error)
        status, text, _ = self.compare("--require", "--only", "go")
        self.assertEqual(status, 0)
        self.assertNotIn("tokio", text)
        status, _, error = self.compare("--only", "rust")
        self.assertEqual(status, 2)
        self.assertIn("--only rust: there is no peer 'rust'; known: tokio, Go, nowhere", error)

    def test_a_script_may_build_several_peers(self):
        self.ours({"W1_yield/workers:1": [10]})
        for name, time in [("tokio", 20), ("crossbeam", 30)]:
            self.peer(name, {"W1_yield/workers:1": [time]})
        self.write("both.sh", "#!/bin/sh\necho >> $0.calls\nfor p in tokio crossbeam; do echo ${0%both.sh}${p}_peer; done\n")
        table = "[peers]\ntokio = { build = 'both.sh', program = 'tokio_peer' }\ncrossbeam = 'both.sh'\n"
        self.write("targets.toml", table)
        status, text, _ = self.compare()
        self.assertEqual(status, 0)
        self.assertIn("| workload | workers | ours | tokio | crossbeam |", text)
        self.assertIn("| W1_yield | 1 | 10.0 | 20.0 | 30.0 |", text)
        self.assertEqual((self.folder / "both.sh.calls").read_text(), "\n")
        self.write("targets.toml", table.replace("tokio_peer", "flume_peer"))
        status, text, error = self.compare()
        self.assertEqual((status, text), (2, ""))
        self.assertRegex(error, "both.sh must print the path of flume_peer, it printed .*tokio_peer, .*crossbeam_peer")

    def test_names_must_agree(self):
        self.ours({"W1_yield/workers:1": [1], "W4_ring/workers:1": [1]})
        self.peer("Go", {"W1_yield/workers:1": [1], "W4_rnig/workers:1": [1]})
        self.targets(["Go"], "[rows.W8_select_timeout]\ngo = 7")
        status, text, error = self.compare("--filter", "W1")
        self.assertEqual((status, text), (2, ""))
        self.assertIn("only Go has W4_rnig", error)
        self.peer("Go", {"W1_yield/workers:1": [1]})
        status, text, _ = self.compare("--filter", "W1")
        self.assertEqual(status, 0)
        self.assertIn("No figures of Go for W4_ring.", text)
        self.assertIn("Targets without a benchmark: W8_select_timeout.", text)

    def test_what_makes_no_sense_is_refused(self):
        self.targets([])
        for fix, arguments, wrong in [
            (None, [], "there are no benchmark programs"),
            (lambda: self.ours({"W1_yield/workers:1": [1]}), ["--filter", "W8"], "no row matches W8"),
            (None, ["--filter", "W("], r"W\( is no regular expression"),
            (None, ["--reps", "0"], "--reps: a number above 0 was expected, not '0'"),
            (None, ["--min-time", "x"], "--min-time: a number above 0 was expected, not 'x'"),
            (lambda: self.ours({"W1_yield/workers:1": [1]}, name="b_bench"), [], "both have W1_yield/workers:1"),
            (lambda: self.ours({"W1_yield": [1]}, name="b_bench"), [], "W1_yield does not end in /workers:N"),
        ]:
            if fix:
                fix()
            status, text, error = self.compare(*arguments)
            self.assertEqual((status, text), (2, ""), wrong)
            self.assertRegex(error, wrong)


class Sides(Fakes):

    def test_ours_reads_what_google_benchmark_says(self):
        self.ours({"W5_spsc/capacity:64/workers:2": [7]}, kind="/iterations:1/manual_time", unit="us")
        ours = Ours(self.folder)
        self.assertEqual(ours.rows("W5"), ["W5_spsc/capacity:64/workers:2"])
        self.assertEqual(ours.measure("W5_spsc/capacity:64/workers:2", 0.1), Sample(7000, 7000))

    def test_rows_of_one_worker_come_first_and_numbers_count(self):
        names = ["W10_a/workers:1", "W2_a/n:64/workers:1", "W2_a/n:8/workers:1", "W1_a/workers:2"]
        self.ours(dict.fromkeys(names, [1]))
        self.assertEqual(Ours(self.folder).rows(""), [names[2], names[1], names[0], names[3]])

    def test_a_peer_is_asked_for_one_row(self):
        rows = {"W5_spsc/capacity:6/workers:2": [5], "W5_spsc/capacity:64/workers:2": [6]}
        self.peer("Go", rows)
        self.assertEqual(Peer("Go", self.folder / "Go_peer").measure("W5_spsc/capacity:6/workers:2", 0.1), Sample(5, 10))

    def test_a_peer_that_says_something_else_has_failed(self):
        for says, wrong in [("W2/workers:1", "was asked for W1/workers:1 and measured W2/workers:1"),
                            ("W1/workers:1 1", "two numbers were expected")]:
            self.peer("Go", {"W1/workers:1": [5]}, says=says)
            with self.assertRaisesRegex(Failed, wrong):
                Peer("Go", self.folder / "Go_peer").measure("W1/workers:1", 0.1)

    def test_a_hanging_program_has_failed(self):
        with self.assertRaisesRegex(Failed, "sleep hangs"):
            output_of(["sleep", "60"], patience=0.2)

    def test_a_crashing_program_has_failed(self):
        with self.assertRaisesRegex(Failed, "died of SIGSEGV"):
            output_of(["sh", "-c", "kill -SEGV $$"])

    def test_a_side_that_measures_nothing_has_failed(self):
        side = Side("ours", {"W1/workers:1": [0.0]})
        samples, failures = sampling.alternate([side], ["W1/workers:1"], 1, 0.1)
        self.assertEqual(samples, {"W1/workers:1": {}})
        self.assertIn("measured 0", failures[0].why)

    def test_jobs_are_measured_once(self):
        rows = [
            "W1_yield/workers:1", "W10_many_wake/workers:1", "W11_sleepers/workers:1",
            "W11_timer_start_stop/live:0/workers:1"
        ]
        side = Side("ours", dict.fromkeys(rows, [1.0]))
        sampling.alternate([side], rows, 1, 0.5)
        self.assertEqual(side.asked, list(zip(rows, [0.5, 0.001, 0.001, 0.5])))


class Side:
    """A side that is no program."""

    def __init__(self, name, rows):
        self.name = name
        self.rows = rows
        self.asked = []

    def has(self, row):
        return row in self.rows

    def measure(self, row, least):
        values = self.rows[row]
        value = values[sum(row == asked for asked, _ in self.asked) % len(values)]
        self.asked.append((row, least))
        if isinstance(value, str):
            raise Failed(value)
        return value if isinstance(value, Sample) else Sample(value, value)


def judged(samples, **rows):
    """The lines of the table, by row, for samples given as row -> side -> times."""
    taken = {row: {side: [Sample(t, t) for t in times] for side, times in sides.items()} for row, sides in samples.items()}
    lines = judge.lines_of(taken, targets.Targets({}, {name: targets.Target(**row) for name, row in rows.items()}))
    return {f"{line.name}/workers:{line.workers}": line for line in lines}


class Judging(unittest.TestCase):

    def test_slower_than_go_in_median_and_minimum(self):
        for ours, marks in [([11, 12, 13], ["slower than Go"]), ([9.9, 12, 13], []), ([10.5, 10.9, 13], []), ([8, 9,
                                                                                                               9], [])]:
            line = judged({"W1/workers:1": {"ours": ours, "Go": [10, 11, 12]}})["W1/workers:1"]
            self.assertEqual(line.marks, marks, ours)

    def test_two_workers_slower_than_one_beyond_noise(self):
        for two, marks in [([12, 12, 12], ["2 workers slower than 1"]), ([10.9, 10.9, 10.9], []), ([10, 12, 14], []),
                           ([5, 5, 5], [])]:
            lines = judged({"W1/workers:1": {"ours": [10, 10, 11]}, "W1/workers:2": {"ours": two}})
            self.assertEqual(lines["W1/workers:2"].marks, marks, two)
            self.assertEqual(lines["W1/workers:1"].marks, [])

    def test_targets_for_each_number_of_workers(self):
        samples = {f"W3/workers:{n}": {"ours": [10], "Go": [45]} for n in (1, 2)}
        lines = judged(samples, W3={"go": (5, 4)})
        self.assertEqual([(line.target, line.reached) for line in lines.values()], [(5, False), (4, True)])
        self.assertEqual(judged(samples)["W3/workers:1"].reached, None)
        without_go = judged({"W3/workers:1": {"ours": [10]}}, W3={"go": (5, 4)})
        self.assertEqual(without_go["W3/workers:1"].reached, None)

    def test_scaled_by_the_row_of_boost(self):
        best = {"best": {1: targets.Best("libdill", 74, 179)}}
        samples = {"W3/workers:1": {"ours": [30], "Boost.Fiber": [89.5]}}
        line = judged(samples, W3=best)["W3/workers:1"]
        self.assertEqual((line.best_scaled, line.marks), (37, []))
        samples["W3/workers:1"]["ours"] = [38]
        self.assertEqual(judged(samples, W3=best)["W3/workers:1"].marks, ["behind libdill"])
        del samples["W3/workers:1"]["Boost.Fiber"]
        line = judged(samples, W3=best)["W3/workers:1"]
        self.assertEqual((line.best_scaled, line.marks), (None, []))

    def test_scaled_by_the_median_of_boost_where_it_has_no_row(self):
        known = {
            f"W{n}": {
                "best": {
                    1: targets.Best("libdill", 50, 100),
                    2: targets.Best("libgo", 50, 100)
                }
            } for n in (1, 2, 3)
        }
        best = {"best": {1: targets.Best("Photon", 40, None), 2: targets.Best("coost", 40, None)}}
        samples = {f"W{n}/workers:1": {"ours": [1], "Boost.Fiber": [t]} for n, t in [(1, 100), (2, 200), (3, 900)]}
        samples |= {f"W{n}/workers:2": {"ours": [1], "Boost.Fiber": [10_000]} for n in (1, 2, 3)}  # erratic: not counted
        samples |= {f"W7/workers:{n}": {"ours": [81], "Boost.Fiber": [1]} for n in (1, 2)}
        lines = judged(samples, W7=best, **known)
        for n in (1, 2):
            self.assertEqual(lines[f"W7/workers:{n}"].best_scaled, 80)
        self.assertEqual(lines["W7/workers:1"].marks, ["behind Photon"])
        self.assertEqual(lines["W3/workers:1"].best_scaled, 450)
        self.assertEqual(lines["W3/workers:2"].best_scaled, 5000)

    def test_bytes(self):
        best = {1: targets.Best("Boost.Fiber", 5152, 5152)}
        samples = {"W10_many_bytes/workers:1": {"ours": [4400], "Go": [2662], "Boost.Fiber": [6000]}}
        line = judged(samples, W10_many_bytes={"at_most": 4400, "best": best})["W10_many_bytes/workers:1"]
        self.assertEqual((line.reached, line.best_scaled, line.marks), (True, 5152, ["more than Go"]))
        self.assertIn("| W10_many_bytes | 1 | 4,400 B | 2,662 B | 0.60x | at most 4,400 | yes |",
                      markdown.comparison([line], ["Go"]))
        samples["W10_many_bytes/workers:1"]["ours"] = [4401]
        line = judged(samples, W10_many_bytes={"at_most": 4400})["W10_many_bytes/workers:1"]
        self.assertFalse(line.reached)

    def test_milliseconds(self):
        self.assertEqual([markdown.value(v) for v in (9.44, 123.4, 48_722, 1e6, 1_034_500_000)],
                         ["9.4", "123", "48,722", "1.0 ms", "1,034.5 ms"])

    def test_the_speed_up_is_a_row(self):
        samples = {
            "W17_pipeline_work/workers:1": {
                "ours": [200, 210, 190],
                "Go": [300, 300, 300],
                "tokio": [1, 1, 1]
            },
            "W17_pipeline_work/workers:2": {
                "ours": [100, 100, 100],
                "Go": [150, 160, 200]
            },
        }
        target = {"go": (1, 1), "at_least": 1.9}
        line = judged(samples, W17_speed_up=target)["W17_speed_up/workers:2"]
        self.assertEqual(line.medians, {"ours": 2, "Go": 1.875})
        self.assertEqual((line.against, line.reached, line.marks), ({"Go": 2 / 1.875}, True, []))
        self.assertIn("| W17_speed_up | 2 | 2.00x | 1.88x | 1.07x | 1x, at least 1.9 | yes |",
                      markdown.comparison([line], ["Go"]))
        samples["W17_pipeline_work/workers:2"]["ours"] = [150, 150, 150]
        line = judged(samples, W17_speed_up=target)["W17_speed_up/workers:2"]
        self.assertEqual((line.reached, line.marks), (False, ["less than Go"]))
        samples["W17_pipeline_work/workers:2"] = {"ours": [150, 150, 80], "Go": [170, 160, 160]}
        line = judged(samples, W17_speed_up=target)["W17_speed_up/workers:2"]
        self.assertEqual((line.reached, line.marks), (False, []))  # once it was better than Go
        samples["W17_pipeline_work/workers:2"] = {"ours": [150, 150, 150], "Go": [300, 300, 300]}
        line = judged(samples, W17_speed_up=target)["W17_speed_up/workers:2"]
        self.assertEqual((line.against["Go"] > 1, line.reached), (True, False))


class TheFileOfTargets(Fakes):

    def test_ours_is_sound(self):
        ours = targets.load(HERE / "targets.toml")
        self.assertEqual(list(ours.peers), ["Go", "Boost.Fiber", "crossbeam", "tokio"])
        self.assertEqual(
            ours.of("W3_ping_pong"),
            targets.Target(go=(5, 4), best={
                1: targets.Best("libdill", 74, 179),
                2: targets.Best("libcoro", 116, None)
            }))
        self.assertEqual(ours.of("W99"), targets.Target())

    def test_mistakes_are_named(self):
        for text, wrong in [
            ("[row.W1]", "the file: unknown: row; known: peers, rows"),
            ("[rows.W1]\ngoo = 1", "rows.W1: unknown: goo"),
            ("[rows]\nW1 = 7", "rows.W1: a table was expected, not 7"),
            ("[rows.W1]\ngo = 'fast'", "rows.W1.go: a number above 0 was expected, not 'fast'"),
            ("[rows.W1]\ngo = 0", "rows.W1.go: a number above 0 was expected, not 0"),
            ("[rows.W1]\ngo = [1, 2, 3]", r"rows.W1.go: a number, or two for 1 and 2 workers, not \[1, 2, 3\]"),
            ("[rows.W1]\none_thread = { value = 1 }",
             "rows.W1.one_thread: `best`, a library's name, and `value` are needed"),
            ("[rows.W1]\none_thread = { best = 'x', value = 1, boost = -1 }", "rows.W1.one_thread.boost: a number above 0"),
            ("[peers]\nGo = 1", "peers.Go: a table was expected, not 1"),
            ("[peers]\nGo = { build = 'x', program = 1 }", "peers.Go: `program` must be a path, not 1"),
            ("[rows", "targets.toml: Expected ']'"),
        ]:
            with self.assertRaisesRegex(Unsound, wrong):
                targets.load(self.write("targets.toml", text))
        with self.assertRaisesRegex(Unsound, "nowhere.toml: No such file"):
            targets.load(self.folder / "nowhere.toml")


SVG = "{http://www.w3.org/2000/svg}"


class Pictures(unittest.TestCase):

    def elements(self, text, kind):
        return [e for e in xml.etree.ElementTree.fromstring(text).iter(SVG + kind)]

    def test_bars(self):
        bars = {"1 worker": svg.Bar(4, 5), "2 workers": svg.Bar(0.5, None)}
        text = svg.bars(
            "Than <Go> \"1\"",
            [svg.Group("W1 & co", bars), svg.Group("W2", {"1 worker": svg.Bar(1500, 3)})], ["1 worker", "2 workers"])
        self.assertIn("prefers-color-scheme: dark", text)
        words = [e.text for e in self.elements(text, "text")]
        for word in ("Than <Go> \"1\"", "W1 & co", "4.00x", "0.50x", "1,500x", "1x", "10x", "1,000x", "behind", "target"):
            self.assertIn(word, words)
        widths = [(e.get("class"), float(e.get("width"))) for e in self.elements(text, "rect")]
        (_, four), (kind, half), (_, most) = widths[3:]  # the legend comes first
        self.assertEqual(kind, "behind")
        self.assertAlmostEqual(four, 2 * half, delta=0.2)  # logarithmic, from 1 in both directions
        self.assertGreater(most, 5 * four)
        self.assertEqual(len([e for e in self.elements(text, "line") if e.get("class") == "target"]), 3)

    def test_lines(self):
        text = svg.lines("growth", "live", "ns", {"a": [(0, 10), (1, 11), (1000, 12)], "b": [(1, 20)]})
        words = [e.text for e in self.elements(text, "text")]
        for word in ("growth", "live", "ns", "a", "b", "0", "1", "1,000", "20"):
            self.assertIn(word, words)
        curve = [tuple(map(float, p.split(","))) for p in self.elements(text, "polyline")[0].get("points").split()]
        self.assertAlmostEqual(curve[2][0] - curve[1][0], 3 * (curve[1][0] - curve[0][0]), delta=0.5)
        self.assertTrue(curve[0][1] > curve[1][1] > curve[2][1])


class Growing(Fakes):

    def growth(self, *arguments):
        return self.script("growth.py", "--reps=3", *arguments)

    def test_each_kind_is_a_picture(self):
        rows = {f"growth_timers/live:{n}/workers:{w}": [10, 10 + w, 30] for n in (0, 1_000_000) for w in (1, 2)}
        rows |= {f"scaling_mpmc/capacity:{c}/workers:{w}": [20] for c in (0, 64) for w in (1, 8)} | {"W1/workers:1": [1]}
        self.ours(rows)
        out = self.folder / "out"
        status, text, _ = self.growth("--save", str(out))
        self.assertEqual(status, 0)
        self.assertIn("| growth_timers | live 1,000,000 | 2 workers | 12.0 | 167% |", text)
        self.assertIn("| scaling_mpmc | workers 8 | capacity 64 | 20.0 | 0% |", text)
        self.assertNotIn("W1", text)
        self.assertEqual(sorted(p.name for p in out.iterdir()),
                         ["GROWTH.md", "growth.json", "growth_timers.svg", "scaling_mpmc.svg"])
        self.assertIn("![scaling_mpmc](scaling_mpmc.svg)", (out / "GROWTH.md").read_text())
        for picture in out.glob("*.svg"):
            self.assertEqual(len(xml.etree.ElementTree.parse(picture).findall(f"{SVG}polyline")), 2)

    def test_mistakes(self):
        self.ours({"W1/workers:1": [1]})
        status, _, error = self.growth()
        self.assertEqual(status, 2)
        self.assertIn("no growth_* or scaling_* benchmark", error)
        self.ours({"growth_timers/live/workers:1": [1]})
        self.assertRegex(self.growth()[2], "growth_timers/live/workers:1: growth_WHAT/ARGUMENT:VALUE/workers:N was expected")

    def test_failures_and_unoptimised_builds(self):
        self.ours({"growth_timers/live:1/workers:1": ["a timer is lost"], "growth_timers/live:2/workers:1": [5]})
        status, text, error = self.growth()
        self.assertEqual(status, 1)
        self.assertIn("growth_timers/live:1/workers:1 FAILED", error)
        self.assertIn("| growth_timers | live 2 |", text)
        self.ours({"growth_timers/live:1/workers:1": [1]}, optimised="no")
        self.assertEqual(self.growth()[0], 2)


class Guarding(Fakes):
    ROWS = ["W1/workers:1", "W3/workers:1"]
    RECORDED = {row: {"calibration": {"median": 2, "minimum": 1.8, "factor": 1.6}} for row in ROWS}
    WITH_GO = {row: {**r, "Go": {"median": 0.5, "minimum": 0.4, "factor": 2}} for row, r in RECORDED.items()}

    def setUp(self):
        super().setUp()
        for patch in (unittest.mock.patch.object(guard, "ROWS", self.ROWS),
                      unittest.mock.patch("builtins.print", lambda *words, **_: self.said.append(" ".join(words)))):
            patch.start()
            self.addCleanup(patch.stop)
        self.said = []

    def check(self, times, go=None, recorded=None):
        """Where the calibration loop takes 10 ns and W1 these times in turn; W3 is as recorded."""
        self.said = []
        self.side = Side("ours", {"W1/workers:1": times, "W3/workers:1": [20]})
        sides = [self.side, Side("calibration", dict.fromkeys(self.ROWS, [10]))]
        sides += [Side("Go", {"W1/workers:1": go, "W3/workers:1": [40]})] if go else []
        good = guard.check(sides, recorded or self.RECORDED)
        self.assertRegex(self.said[-1], r"^\d+ passed, \d+ failed$")
        self.assertEqual(good, self.said[-1].endswith(" 0 failed"))
        return self.said[-1]

    def test_as_recorded(self):
        self.assertEqual(self.check([20]), "2 passed, 0 failed")
        self.assertEqual(self.check([31]), "2 passed, 0 failed")
        self.assertEqual(len(self.side.asked), 2 * guard.REPS)

    def test_slower(self):
        self.assertEqual(self.check([33]), "1 passed, 1 failed")
        self.assertIn("W1/workers:1: SLOWER: 3.3 times calibration, recorded 2 (fails above 3.2)", self.said)
        self.assertEqual([row for row, _ in self.side.asked].count("W1/workers:1"), guard.REPS + guard.REPS_AGAIN)
        self.assertEqual([row for row, _ in self.side.asked].count("W3/workers:1"), guard.REPS)

    def test_processor_time_counts_unless_it_waits(self):
        self.assertEqual(self.check([Sample(wall=100, cpu=20)]), "2 passed, 0 failed")
        self.assertEqual(self.check([Sample(wall=20, cpu=33)]), "1 passed, 1 failed")
        self.assertEqual(self.check([Sample(wall=1000, cpu=20)]), "1 passed, 1 failed")

    def test_slower_only_at_first(self):
        self.assertEqual(self.check([33] * guard.REPS + [20] * guard.REPS_AGAIN), "2 passed, 0 failed")

    def test_slower_only_at_times(self):
        self.assertEqual(self.check([50, 20, 50, 50, 50]), "2 passed, 0 failed")
        self.assertEqual(self.check([30, 30, 30, 30, 50]), "2 passed, 0 failed")

    def test_slower_than_the_loop_but_not_than_go(self):
        self.assertEqual(self.check([33], go=[40], recorded=self.WITH_GO), "2 passed, 0 failed")
        self.assertEqual(self.check([33], go=[30], recorded=self.WITH_GO), "1 passed, 1 failed")
        self.assertEqual(self.check([33], go=[40]), "1 passed, 1 failed")  # nothing recorded of Go
        self.assertEqual(self.check([33], recorded=self.WITH_GO), "1 passed, 1 failed")  # no Go here

    def test_failing_benchmarks(self):
        self.assertEqual(self.check(["a yield is missing"]), "1 passed, 1 failed")
        self.assertEqual(self.check([20], go=["Go is broken"], recorded=self.WITH_GO), "2 passed, 0 failed")
        self.assertEqual(self.check([33] * guard.REPS + ["a yield is missing"]), "1 passed, 1 failed")

    def test_a_row_that_is_gone(self):
        with unittest.mock.patch.object(guard, "ROWS", [*self.ROWS, "W8/workers:1"]):
            self.assertEqual(self.check([20]), "2 passed, 1 failed")
        self.assertIn("W8/workers:1: FAILED: no program has it", self.said)

    def test_recording(self):
        file = self.folder / "guard.json"
        times = [20] * guard.REPS_TO_RECORD
        times[3:6] = [18, 50, 34]  # alone in a check of five, which has another median
        times[10:13] = [34, 34, 34]
        sides = [
            Side("ours", {
                "W1/workers:1": times,
                "W3/workers:1": [5]
            }),
            Side("calibration", dict.fromkeys(self.ROWS, [10]))
        ]
        guard.record(sides, file)
        rows = guard.load(file)
        self.assertEqual(rows["W1/workers:1"], {"calibration": {"median": 2, "minimum": 1.8, "factor": 2.38}})
        self.assertEqual(rows["W3/workers:1"], {"calibration": {"median": 0.5, "minimum": 0.5, "factor": 1.6}})

    def test_a_file_that_is_wrong(self):
        good = json.dumps({"rows": self.RECORDED})
        for text, wrong in [(None, "guard.json: No such file"), ("{", "guard.json is not what --record wrote"),
                            ("{}", "guard.json lacks 'rows'"), (good.replace("W3", "W4"), "lacks 'W3/workers:1'"),
                            (good.replace("calibration", "loop"), "lacks 'calibration'"),
                            (good.replace("1.8", "0"), "W1/workers:1, calibration: minimum must be above 0, not 0"),
                            (good.replace("1.8", '"1"'), "guard.json is not what --record wrote")]:
            if text is not None:
                self.write("guard.json", text)
            with self.assertRaisesRegex(Unsound, wrong):
                guard.load(self.folder / "guard.json")

    def test_programs(self):
        """As it is run: recorded, and compared with what was recorded."""
        rows = {row: [20] for row in guard.ROWS} | {"calibration": [10]}
        self.ours(rows, kind="/real_time")
        self.peer("Go", {row: [60] for row in guard.ROWS})
        go, nothing = self.targets(["Go"]), self.write("none.toml", "")
        for file, names in [(go, {"calibration", "Go"}), (nothing, {"calibration"})]:
            arguments = unittest.mock.Mock(bin=self.folder, targets=file)
            with unittest.mock.patch("shutil.which", return_value="/usr/bin/go"):
                sides = guard.sides_of(arguments)
            self.assertEqual({side.name for side in sides}, {"ours"} | names)
            guard.record(sides, self.folder / "guard.json")
            self.assertTrue(guard.check(sides, guard.load(self.folder / "guard.json")))
        with unittest.mock.patch("shutil.which", return_value=None), unittest.mock.patch.object(guard, "GO_TOOLS", []):
            self.assertEqual([s.name for s in guard.sides_of(unittest.mock.Mock(bin=self.folder, targets=go))],
                             ["ours", "calibration"])
        self.ours(rows, kind="/real_time", optimised="no")
        with self.assertRaisesRegex(Unsound, "not an optimised build"):
            guard.check(sides, self.RECORDED)
        del rows["calibration"]
        self.ours(rows)
        with self.assertRaisesRegex(Unsound, "no program in .* has the benchmark calibration"):
            guard.sides_of(unittest.mock.Mock(bin=self.folder, targets=go))


if __name__ == "__main__":
    unittest.main()
