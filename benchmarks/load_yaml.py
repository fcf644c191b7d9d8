"""Measures what reading desired state costs, beside PyYAML's own loader on the same file.

Usage: python benchmarks/load_yaml.py --users 100000
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from reconciler.desired import load
from reconciler.desired.problems import Problems
from reconciler.desired.yaml_reader import read_yaml

DIRECTORY = """\
directory: {name: benchmark, base_url: "https://scim.example.com", token: {env: SCIM_TOKEN}}
unlisted: {users: ignore, groups: ignore}
"""


def user(number: int) -> str:
    """Return one user of about 360 bytes, with values that repeat as those of a company do."""
    return f"""\
  - userName: user{number:06}@example.com
    externalId: "{number:07}"
    name: {{givenName: Given{number % 997}, familyName: Family{number % 4999}}}
    displayName: Given{number % 997} Family{number % 4999}
    emails: [user{number:06}@example.com]
    title: Engineer {number % 13}
    department: Department {number % 40}
    employeeNumber: {number}
    timezone: Europe/Berlin
    preferredLanguage: en-US
    lifecycle: {{reason: OPS-{number % 50}}}
"""


def measure(work: Callable[[], object]) -> tuple[float, int]:
    """Return the CPU seconds that a piece of work takes, and the highest memory of the process after it in MB."""
    before = time.process_time()
    work()
    seconds = time.process_time() - before
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Generate the users, read them, print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=5_000, help="how many users (default: %(default)s)")
    users: int = parser.parse_args().users
    data = ("users:\n" + "".join(map(user, range(users)))).encode()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        workspace.joinpath("directory.yaml").write_text(DIRECTORY)
        workspace.joinpath("users.yaml").write_bytes(data)
        # The loader with the highest memory comes last, because the peak of a process never falls.
        measured = {
            "values and places (read_yaml)": measure(lambda: read_yaml(data, "users.yaml", Problems())),
            "whole workspace, checked (load)": measure(lambda: load(workspace)),
            "values only (yaml.CSafeLoader)": measure(lambda: yaml.load(data, Loader=yaml.CSafeLoader)),
        }
    reference, _ = measured["values only (yaml.CSafeLoader)"]
    print(f"{users:,} users, {len(data) / 1e6:.1f} MB")
    for name, (seconds, megabytes) in measured.items():
        print(f"{name:34} {seconds:8.2f} CPU s  {seconds / reference:6.2f} of CSafeLoader  peak {megabytes:,} MB")


if __name__ == "__main__":
    main()
