"""Two SCIM libraries of another world as oracles: npm's ``scim2-parse-filter`` and ``scim-patch``.

They are installed in the exact versions of ``tests/oracles/package-lock.json``, see :mod:`npm_packages`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npm_packages import NODE, installed

_SOURCE = Path(__file__).parent.parent / "oracles"
_JUDGE_SECONDS = 60


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
        [str(NODE), "judge.mjs"],
        cwd=installed(_SOURCE, "judge.mjs"),
        input=json.dumps(corpus),
        capture_output=True,
        encoding="utf-8",
        timeout=_JUDGE_SECONDS,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    said = json.loads(answer.stdout)
    return Judgement(verdicts=said["verdicts"], patched=said["patched"])
