#!/usr/bin/env python3
"""Gives graded results to the programs that read them: check50, a JUnit reader and a TAP reader.

usage: consume.py MXLAB LAB SUBMISSION...

MXLAB is the program. Readers that are not installed are left out, and said so; `scripts/readers` installs
them and runs this.
"""

import base64
import json
import subprocess
import sys
import tempfile
from pathlib import Path


def written(mxlab, lab, submissions, form, *more):
    run = subprocess.run(
        [mxlab, "grade", lab, *submissions, "--format", form, *more], capture_output=True, text=True, check=False
    )
    if run.returncode not in (0, 1):
        sys.exit(f"{form}: exit code {run.returncode}: {run.stderr}")
    return run.stdout


def check50(mxlab, lab, submissions):
    from check50 import renderer, runner

    for submission in submissions:
        result = json.loads(written(mxlab, lab, [submission], "check50"))
        if "error" in result:
            continue
        # What the program itself does with results that come from elsewhere.
        records = [runner.CheckResult.from_dict(one) for one in result["results"]]
        assert [one.name for one in records] == [one["name"] for one in result["results"]]
        import builtins

        builtins._ = getattr(builtins, "_", str)
        ansi = renderer.to_ansi(result["slug"], result["results"], result["version"], _log=True)
        html = renderer.to_html(result["slug"], result["results"], result["version"])
        assert all(one.description in ansi for one in records) and "<html" in html


def junit(mxlab, lab, submissions):
    from junitparser import JUnitXml

    whole = json.loads(written(mxlab, lab, submissions, "json"))["submissions"]
    xml = JUnitXml.fromstring(written(mxlab, lab, submissions, "junit").encode())
    suites = list(xml)
    assert len(suites) == len(whole), (len(suites), len(whole))
    for suite, graded in zip(suites, whole):
        done = sum(task["outcome"] == "done" for task in graded.get("tasks", []))
        passed = sum(case.is_passed for case in suite)
        assert passed == done, (suite.name, passed, done)
        counted = suite.tests, suite.failures, suite.errors
        suite.update_statistics()
        assert counted == (suite.tests, suite.failures, suite.errors), suite.name


def tap(mxlab, lab, submissions):
    from tap.parser import Parser

    whole = json.loads(written(mxlab, lab, submissions, "json"))["submissions"]
    lines = list(Parser().parse_text(written(mxlab, lab, submissions, "tap")))
    assert not [line for line in lines if line.category == "unknown"], "lines that are no TAP"
    tests = [line for line in lines if line.category == "test"]
    plan = next(line for line in lines if line.category == "plan")
    assert plan.expected_tests == len(tests)
    done = sum(task["outcome"] == "done" for graded in whole for task in graded.get("tasks", []))
    assert sum(line.ok for line in tests) == done
    assert not any(line.skip or line.todo for line in tests)


def github_classroom(mxlab, lab, submissions):
    # As its reporter reads it: decode, add up.
    for submission in submissions:
        name, _, coded = written(mxlab, lab, [submission], "github-classroom").strip().partition("=")
        result = json.loads(base64.b64decode(coded, validate=True))
        assert name == "result"
        assert sum(test["score"] for test in result["tests"]) <= result["max_score"] or result["status"] == "error"


def html(mxlab, lab, submissions):
    import html5lib

    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "class.html"
        written(mxlab, lab, submissions, "json", "--html", str(page))
        parser = html5lib.HTMLParser(strict=True)
        parser.parse(page.read_text(encoding="utf-8"))


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    mxlab, lab, *submissions = sys.argv[1:]
    for reader in (check50, junit, tap, github_classroom, html):
        try:
            reader(mxlab, lab, submissions)
        except ModuleNotFoundError as error:
            print(f"{reader.__name__}: left out, {error.name} is not installed")
        else:
            print(f"{reader.__name__}: good")


if __name__ == "__main__":
    main()
