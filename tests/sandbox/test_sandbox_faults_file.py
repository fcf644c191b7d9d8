"""The file of faults: read strictly, with the place of every mistake, and the same in Python and in its schema."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import msgspec
import pytest

from reconciler.diagnostics import DiagnosticsError
from reconciler.sandbox.errors import SandboxError
from reconciler.sandbox.faults import (
    KINDS,
    Fault,
    FaultRule,
    Requests,
    Reset,
    Throttle,
    When,
    fault_name,
    faults_schema,
    read_faults,
)
from sandboxes import client_for

WHOLE = """\
seed: 7
rules:
  - name: no pace
    requests: {methods: [PATCH, POST], path: /Groups/*, query: a, body: members}
    when: {skip: 3, count: 2, every: 5, probability: 0.25}
    fault: {throttle: {status: 503, header: reset_iso, wait: 2}}
  - fault: {reset: {}}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "faults.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_says_what_python_can_say(tmp_path: Path) -> None:
    faults = read_faults(written(tmp_path, WHOLE))
    assert faults.seed == 7
    assert faults.rules == (
        FaultRule(
            name="no pace",
            requests=Requests(methods=("PATCH", "POST"), path="/Groups/*", query="a", body="members"),
            when=When(skip=3, count=2, every=5, probability=0.25),
            fault=Throttle(status=503, header="reset_iso", wait=2),
        ),
        FaultRule(fault=Reset()),
    )
    assert [rule.title for rule in faults.rules] == ["no pace", "reset"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rules: [{fault: {throttel: {}}}]", "faults.yaml:1:18: error: unknown key 'throttel' in rules[0].fault"),
        ("rules:\n  - fault: {}", "faults.yaml:2:5: error: rules[0].fault needs exactly one of rate, throttle"),
        ("rules:\n  - fault: {slow: {}, reset: {}}", "rules[0].fault needs exactly one of"),
        ("rules: [{when: {skip: 1}}]", "rules[0].fault is missing"),
        ("rules: [{fault: {rate: {}}}]", "rules[0].fault.rate.requests is missing"),
        ("rules: [{fault: {rate: {requests: 0}}}]", "must be at least 1, not 0"),
        ("rules: [{fault: {reset: {}}, when: {probability: 2}}]", "must be at most 1, not 2"),
        ("rules: [{fault: {reset: {}}, requests: {methods: [patch]}}]", "did you mean 'PATCH'?"),
        ("rules: [{fault: {reset: {}}, requests: {path: Groups}}]", "must begin with / or *"),
        ("rules: [{fault: {reply: {status: yes}}}]", "must be a whole number"),
        ("rules: {}", "rules must be a list"),
        ("", "the file must be a mapping"),
        ("rules: [", "error"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(DiagnosticsError) as refused:
        read_faults(written(tmp_path, text))
    assert problem in str(refused.value)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"faults\.yaml: No such file"):
        read_faults(tmp_path / "faults.yaml")


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(faults_schema())


@pytest.mark.parametrize("kind", KINDS, ids=fault_name)
def test_the_schema_of_a_fault_says_what_its_type_says(kind: type[Fault]) -> None:
    stated = faults_schema()["$defs"]["rule"]["properties"]["fault"]["properties"][fault_name(kind)]
    assert dataclasses.is_dataclass(kind)
    fields = {field.name: field.default for field in dataclasses.fields(kind)}
    assert list(stated["properties"]) == list(fields)
    required = [name for name, default in fields.items() if default is dataclasses.MISSING]
    assert stated.get("required", []) == required
    for name, default in fields.items():
        if name not in required:
            told = stated["properties"][name].get("default")
            assert msgspec.json.encode(default) == msgspec.json.encode(told), name
        choices = stated["properties"][name].get("enum", ())
        for choice in choices:
            msgspec.convert({"requests": 1, name: choice} if "requests" in required else {name: choice}, kind)


def test_every_fault_is_in_the_schema_once() -> None:
    fault = faults_schema()["$defs"]["rule"]["properties"]["fault"]
    names = [fault_name(kind) for kind in KINDS]
    assert list(fault["properties"]) == names
    assert fault["oneOf"] == [{"required": [name]} for name in names]


def test_the_command_serves_a_directory_that_fails_as_the_file_says(tmp_path: Path) -> None:
    file = written(tmp_path, "rules: [{fault: {reply: {status: 502, body: html}}, requests: {path: /Users}}]")
    command = [sys.executable, "-m", "reconciler", "sandbox", "--json", "--faults", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                text += process.stdout.readline()
            served = json.loads(text)
            with client_for(served["base_url"], served["token"]) as client:
                assert client.get("/Users").status_code == 502
                assert client.get("/Groups").status_code == 200
        finally:
            process.kill()


def test_the_command_tells_every_mistake_and_serves_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, "rules: [{fault: {reset: {took: 1}}}, {fault: {slow: {body: -1}}}]")
    command = [sys.executable, "-m", "reconciler", "sandbox", "--faults", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{file}:1:26: error: unknown key 'took' in rules[0].fault.reset" in done.stderr
    assert f"{file}:1:54: error: rules[1].fault.slow.body must be at least 0, not -1" in done.stderr


@pytest.mark.parametrize("kind", KINDS, ids=fault_name)
def test_every_fault_is_described(kind: type[Fault]) -> None:
    described = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
    assert f"{fault_name(kind)}: {{" in described
