#!/usr/bin/env python3
"""Counts the results in a Bazel build event file (--build_event_json_file).

Prints `PASSED FAILED`, and the failed ones on standard error. A target that was not built counts as failed, and so does an
event file that breaks off before the end of the build. A test that was built and not run was not asked for: it has the wrong
tags.
"""
import json
import sys


def main(path):
    results = {}  # label -> passed; None: only built
    asked = set()
    finished = False
    with open(path, encoding="utf-8") as events:
        for line in events:
            event = json.loads(line)
            identity = event["id"]
            if "targetConfigured" in identity:
                asked.add(identity["targetConfigured"]["label"])
            elif "targetCompleted" in identity:
                label = identity["targetCompleted"]["label"]
                if event.get("completed", {}).get("success"):
                    results.setdefault(label, None)
                else:
                    results[label] = False
            elif "testSummary" in identity:
                label = identity["testSummary"]["label"]
                passed = event["testSummary"]["overallStatus"] == "PASSED"
                results[label] = passed and results.get(label) is not False
            elif "buildFinished" in identity:
                finished = True
    for label in asked:
        results.setdefault(label, False)
    failed = sorted(label for label, good in results.items() if good is False)
    if not finished:
        failed.append("the build, which did not come to its end")
    for label in failed:
        print("FAILED: " + label, file=sys.stderr)
    print(sum(1 for good in results.values() if good), len(failed))


if __name__ == "__main__":
    main(sys.argv[1])
