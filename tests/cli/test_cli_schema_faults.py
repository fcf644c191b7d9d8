"""The schema of fault files, for the editor of somebody who has no web server installed."""

from __future__ import annotations

import json
import subprocess
import sys

from reconciler.sandbox.faults import faults_schema

WITHOUT_SERVER = """
import sys
sys.modules |= {"starlette": None, "uvicorn": None}
from reconciler.cli import main
sys.argv = ["reconciler", "schema", "faults"]
main()
"""


def test_the_schema_of_faults_needs_nothing_that_only_the_sandbox_needs() -> None:
    shown = subprocess.run([sys.executable, "-c", WITHOUT_SERVER], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout) == faults_schema()
