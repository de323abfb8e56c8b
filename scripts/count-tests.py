#!/usr/bin/env python3
"""Counts the test cases in meson's test logs and prints "N passed, N failed[, N skipped]"; exit status 1 when one failed.

A TAP test counts case by case, a GstCheck test by its summary, any other test as one. A test that prints that the leak tracer
found something counts as failed."""
import json
import re
import sys

CHECKS = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.M)
CASE = re.compile(r"^(not )?ok\b(.*)$", re.M)
LEAK = "Leaks detected"


def count(test):
    """(passed, failed, skipped) of one line of the log."""
    output = test.get("stdout") or ""
    good = test["result"] in ("OK", "EXPECTEDFAIL")
    if test["result"] == "SKIP":
        passed, failed, skipped = 0, 0, 1
    elif summary := CHECKS.findall(output):
        passed = sum(int(s[0]) - int(s[1]) - int(s[2]) for s in summary)
        failed, skipped = sum(int(s[1]) + int(s[2]) for s in summary), 0
    elif cases := CASE.findall(output):
        failed = sum(1 for bad, _ in cases if bad)
        skipped = sum(1 for bad, rest in cases if not bad and "# SKIP" in rest.upper())
        passed = len(cases) - failed - skipped
    else:
        passed, failed, skipped = int(good), int(not good), 0
    if LEAK in output + (test.get("stderr") or ""):
        failed += 1
    if not good and test["result"] != "SKIP" and not failed:
        failed = 1
    return passed, failed, skipped


def main():
    total = [0, 0, 0]
    for path in sys.argv[1:]:
        try:
            with open(path, encoding="utf-8") as log:
                tests = [json.loads(line) for line in log]
        except OSError as error:
            print(f"No tests ran: {error}")
            tests = [{"name": path, "result": "FAIL"}]
        for test in tests:
            numbers = count(test)
            if numbers[1]:
                print(f"FAILED {test['name']} ({test['result']})")
            total = [a + b for a, b in zip(total, numbers)]
    passed, failed, skipped = total
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


sys.exit(main())
