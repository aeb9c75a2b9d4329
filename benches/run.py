#!/usr/bin/env python3
"""Measures wa-fix beside ast-grep and beside bare parsing; see benches/README.md."""

import argparse
import glob
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
HOME = os.path.dirname(HERE)

# Targets, as ratios of pairs that ran right after each other: they survive a busy machine.
TARGETS = [
    # set, what, measure, limit
    ("tap", "ast-grep / wa-fix", "wall", 1.0),
    ("corpus", "ast-grep / wa-fix", "wall", 2.3),
    ("corpus", "ast-grep / wa-fix", "cpu", 2.4),
    ("corpus", "wa-fix / parsing", "cpu", -1.2),
    ("corpus", "wa-fix peak, MiB", "peak", -60.0),
    ("corpus", "60 rules / 12 rules", "cpu", -1.1),
]


def run(command):
    """Wall and CPU seconds and peak memory (MiB) of one process."""
    null = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
    start = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - start
    os.close(null)
    # 1 means that there are findings.
    if not os.WIFEXITED(status) or os.WEXITSTATUS(status) > 1:
        raise SystemExit(f"failed: {' '.join(command)}")
    scale = 1 if sys.platform == "darwin" else 1024
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * scale / 2**20}


def rounds(contestants, number):
    """Runs all in turn, as often as told; the first turn warms the disk's cache and does not count."""
    results = {name: [] for name in contestants}
    for turn in range(number + 1):
        for name, command in contestants.items():
            result = run(command)
            if turn > 0:
                results[name].append(result)
    return results


def median(results, measure):
    return statistics.median(result[measure] for result in results)


def ratio(above, below, measure):
    return statistics.median(a[measure] / b[measure] for a, b in zip(above, below))


def spread(above, below, measure):
    all_ratios = [a[measure] / b[measure] for a, b in zip(above, below)]
    return f"{statistics.median(all_ratios):.2f} ({min(all_ratios):.2f}..{max(all_ratios):.2f})"


def ast_grep_rules(ids, folder):
    """The documents of the rules that wa-fix has, in one file."""
    with open(os.path.join(HERE, "ast-grep", "rules.yml"), encoding="utf-8") as file:
        documents = file.read().split("\n---\n")[1:]
    chosen = [document for document in documents if document.split('"')[1] in ids]
    place = os.path.join(folder, "rules.yml")
    with open(place, "w", encoding="utf-8") as file:
        file.write("\n---\n".join(chosen))
    return place, len(chosen)


COUNT = "import json, sys; found = json.load(sys.stdin); print(len(found['findings'] if isinstance(found, dict) else found))"


def count(command):
    """Findings of a run, read in a process of its own for the same reason."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as scan:
        return int(subprocess.check_output([sys.executable, "-c", COUNT], stdin=scan.stdout))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit with 1 where a target is missed")
    parser.add_argument("--files", type=int, default=5000, help="scripts of the corpus")
    parser.add_argument("--rounds", type=int, default=7, help="pairs on the corpus; three times as many on the small app")
    parser.add_argument("--target", default=os.environ.get("CARGO_TARGET_DIR", os.path.join(HOME, "target")),
                        help="cargo's target folder")
    parser.add_argument("--ast-grep", help="the native program; else that of tests/npm")
    parser.add_argument("--corpus", help="a folder with a corpus that was written before")
    options = parser.parse_args()

    release = os.path.join(options.target, "release")
    wa_fix = os.path.join(release, "wa-fix")
    parse_only = os.path.join(release, "examples", "parse_only")
    many_rules = os.path.join(release, "examples", "many_rules")
    native = glob.glob(os.path.join(HOME, "tests/npm/node_modules/@ast-grep/cli-*/ast-grep"))
    ast_grep = options.ast_grep or (native[0] if native else None)
    for program in (wa_fix, parse_only, many_rules):
        if not os.path.exists(program):
            raise SystemExit(f"{program} is not there; cargo build --release --bins --examples")
    if ast_grep is None:
        raise SystemExit("ast-grep is not there; npm ci in tests/npm, or --ast-grep PATH")

    listed = subprocess.run([wa_fix, "rules"], capture_output=True, text=True, check=True).stdout.splitlines()
    ids = {line.split()[0].split("+")[0] for line in listed}
    threads = str(os.cpu_count() or 1)
    with tempfile.TemporaryDirectory(prefix="wa-fix-bench-") as folder:
        rules, number = ast_grep_rules(ids, folder)
        if options.corpus:
            big, written = options.corpus, ""
        else:
            big = os.path.join(folder, "corpus")
            # In a process of its own: a child's peak counts what its parent held when it was started.
            writer = [sys.executable, os.path.join(HERE, "corpus.py"), big, str(options.files)]
            scripts, size = map(int, subprocess.check_output(writer, text=True).split())
            written = f"{scripts:,} scripts, {size / 1e6:.1f} MB; "
        no_tests = ["--globs", "!**/test/**", "--globs", "!**/*.test.ts"]

        def pair(place):
            return {
                "wa-fix": [wa_fix, "scan", "--format", "json", "--quiet", place],
                "ast-grep": [ast_grep, "scan", "--rule", rules, "--json=compact", *no_tests, place],
            }

        tap = os.path.join(HOME, "examples", "tap")
        findings = {(place, name): count(command) for place in (tap, big) for name, command in pair(place).items()}
        small = rounds({**pair(tap), "parsing": [parse_only, tap, "1"]}, options.rounds * 3)
        large = rounds({
            **pair(big),
            "parsing": [parse_only, big, threads],
            "wa-fix --tests": [wa_fix, "scan", "--format", "json", "--quiet", "--tests", big],
            "ast-grep, tests too": [ast_grep, "scan", "--rule", rules, "--json=compact", big],
            "12 rules": [many_rules, "12", big],
            "60 rules": [many_rules, "60", big],
        }, options.rounds)

        print(f"{len(ids)} rules of wa-fix, {number} of ast-grep with the same intents; {written}"
              f"{threads} threads; median of {options.rounds} rounds ({options.rounds * 3} on the small app).\n")
        print("| | findings | wall s | CPU s | peak MiB |\n|---|---|---|---|---|")
        for title, results, place in (("examples/tap", small, tap), ("corpus", large, big)):
            for name, measured in results.items():
                found = findings.get((place, name), "")
                print(f"| {title}: {name} | {found} | {median(measured, 'wall'):.3f} | {median(measured, 'cpu'):.3f} "
                      f"| {median(measured, 'peak'):.0f} |")
        print("\n| ratio of pairs, median (least..most) | wall | CPU |\n|---|---|---|")
        for title, above, below in (
            ("examples/tap: ast-grep / wa-fix", small["ast-grep"], small["wa-fix"]),
            ("examples/tap: wa-fix / parsing", small["wa-fix"], small["parsing"]),
            ("corpus: ast-grep / wa-fix", large["ast-grep"], large["wa-fix"]),
            ("corpus, tests too: ast-grep / wa-fix", large["ast-grep, tests too"], large["wa-fix --tests"]),
            ("corpus: wa-fix / parsing", large["wa-fix"], large["parsing"]),
            ("corpus: 60 rules / 12 rules", large["60 rules"], large["12 rules"]),
        ):
            print(f"| {title} | {spread(above, below, 'wall')} | {spread(above, below, 'cpu')} |")

    reached = {
        ("tap", "ast-grep / wa-fix", "wall"): ratio(small["ast-grep"], small["wa-fix"], "wall"),
        ("corpus", "ast-grep / wa-fix", "wall"): ratio(large["ast-grep"], large["wa-fix"], "wall"),
        ("corpus", "ast-grep / wa-fix", "cpu"): ratio(large["ast-grep"], large["wa-fix"], "cpu"),
        ("corpus", "wa-fix / parsing", "cpu"): ratio(large["wa-fix"], large["parsing"], "cpu"),
        ("corpus", "wa-fix peak, MiB", "peak"): median(large["wa-fix"], "peak"),
        ("corpus", "60 rules / 12 rules", "cpu"): ratio(large["60 rules"], large["12 rules"], "cpu"),
    }
    missed = []
    print("\n| target | limit | reached | |\n|---|---|---|---|")
    for place, what, measure, limit in TARGETS:
        value = reached[place, what, measure]
        good = value <= -limit if limit < 0 else value >= limit
        missed += [] if good else [what]
        bound = f"at most {-limit:g}" if limit < 0 else f"at least {limit:g}"
        unit = "" if measure == "peak" else f" ({measure})"
        print(f"| {place}: {what}{unit} | {bound} | {value:.2f} | {'met' if good else 'missed'} |")
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
