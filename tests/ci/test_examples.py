"""The files in examples/ci are what their systems take them for, and safe: held to the linters of each."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from npm_packages import NODE, installed
from pipelines import EXAMPLES
from reconciler.cli.exit_codes import ExitCode

ROOT = EXAMPLES.parents[1]
WORKFLOWS = sorted((EXAMPLES / "github" / "workflows").glob("*.yml"))
ACTION = EXAMPLES / "github" / "actions" / "reconciler-plan" / "action.yml"
GITLAB = EXAMPLES / "gitlab" / ".gitlab-ci.yml"
CRONJOB = EXAMPLES / "kubernetes" / "cronjob.yaml"
DOCKERFILE = EXAMPLES / "kubernetes" / "Dockerfile"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
OLDEST_KUBERNETES = "1.31.0"  # podFailurePolicy is stable since then


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def lint(program: str, *arguments: str | Path) -> None:
    """Let a linter look at files; it must find nothing."""
    found = shutil.which(program, path=Path(sys.executable).parent)
    if found is None:
        pytest.skip(f"{program} is not installed; it comes with the group `lint` where there is a build of it")
    done = subprocess.run([found, *map(str, arguments)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def steps(document: Any) -> Iterator[dict[str, Any]]:
    """Yield the steps of a workflow or a composite action."""
    if "runs" in document:
        yield from document["runs"]["steps"]
    for job in document.get("jobs", {}).values():
        yield from job["steps"]


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", [ACTION]),
        ("vendor.gitlab-ci", [GITLAB]),
    ],
)
def test_they_fit_the_schemas_of_their_systems(schema: str, files: list[Path]) -> None:
    transform = ("--data-transform", "gitlab-ci") if schema == "vendor.gitlab-ci" else ()
    lint("check-jsonschema", "--builtin-schema", schema, *transform, *files)


def test_nothing_in_the_workflows_is_unsafe() -> None:
    lint("zizmor", "--offline", "--persona", "pedantic", "--collect=all", "--quiet", EXAMPLES, HOOKS)


def test_the_expressions_of_the_workflows_make_sense() -> None:
    """By actionlint: contexts that are there, outputs of steps and jobs that exist, values of the right type."""
    folder = installed(Path(__file__).parent / "actionlint", "lint.mjs")
    command = [str(NODE), "lint.mjs", *map(str, WORKFLOWS)]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=True)
    found = [f"{Path(one['file']).name}:{one['line']}: {one['message']}" for one in json.loads(done.stdout)]
    # The one build of it for Node is older than this label and than the context `vars`.
    known = ('label "ubuntu-24.04" is unknown', 'undefined variable "vars"')
    assert [one for one in found if not any(sign in one for sign in known)] == []


def test_the_scripts_are_sound(tmp_path: Path) -> None:
    for file in (*WORKFLOWS, ACTION):
        for number, step in enumerate(one for one in steps(read(file)) if "run" in one):
            (tmp_path / f"{file.stem}-{number}.sh").write_text(step["run"], encoding="utf-8")
    for name, job in read(GITLAB).items():
        if "script" in job:
            (tmp_path / f"gitlab-{name}.sh").write_text("\n".join(job["script"]), encoding="utf-8")
    scripts = sorted(tmp_path.iterdir())
    assert len(scripts) == 23
    # The variables come from outside.
    lint("shellcheck", "--shell=bash", "--exclude=SC2153,SC2154", *scripts)


def test_every_action_is_pinned_to_a_commit_and_says_which_version_that_is() -> None:
    pins = set()
    for file in (*WORKFLOWS, ACTION):
        for line in re.findall(r"uses: (.*)", file.read_text(encoding="utf-8")):
            assert line.startswith("./") or re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
            pins.add(line.split()[0])
    assert len([pin for pin in pins if "@" in pin]) == 4


def test_no_foreign_text_is_put_into_a_script() -> None:
    assert not [
        step["name"] for file in (*WORKFLOWS, ACTION) for step in steps(read(file)) if "${{" in step.get("run", "")
    ]


def test_no_job_has_more_rights_than_it_says_why() -> None:
    for file in WORKFLOWS:
        document = read(file)
        assert document["permissions"] == {}
        for name, job in document["jobs"].items():
            writes = [right for right, level in job["permissions"].items() if level == "write"]
            assert writes == {"plan.yml:plan": ["pull-requests"], "nightly.yml:reconcile": ["issues"]}.get(
                f"{file.name}:{name}", []
            )


def test_nothing_is_installed_by_a_name_that_belongs_to_somebody_else() -> None:
    """``reconciler`` on PyPI is another project."""
    for file in EXAMPLES.rglob("requirements.txt"):
        stated = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        assert all(re.fullmatch(r"reconciler\[postgresql\] @ git\+https://\S+@[0-9a-f]{40}", line) for line in stated)
    for file in (*WORKFLOWS, ACTION, GITLAB, DOCKERFILE):
        for command in re.findall(r"pip install (.*)", file.read_text(encoding="utf-8")):
            assert re.fullmatch(r"(--\S+ )*--requirement \S+requirements\.txt( \\)?", command), command


@pytest.mark.parametrize("version", [OLDEST_KUBERNETES, None])
def test_the_cron_job_fits_the_schema_of_kubernetes(version: str | None) -> None:
    lint("kubernetes-validate", "--strict", *(("-k", version) if version else ()), CRONJOB)


def test_what_a_person_has_to_look_at_is_not_tried_again() -> None:
    job = read(CRONJOB)["spec"]["jobTemplate"]["spec"]
    (by_code,) = [rule["onExitCodes"] for rule in job["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
    # 1 may be over the next time, and 130 is a pod that was told to stop.
    assert set(by_code["values"]) == set(ExitCode) - {ExitCode.DONE, ExitCode.ERROR, ExitCode.STOPPED}
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert read(CRONJOB)["spec"]["concurrencyPolicy"] == "Forbid"


def test_no_container_can_do_more_than_it_must() -> None:
    pod = read(CRONJOB)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in (*pod["initContainers"], *pod["containers"]):
        context = container["securityContext"]
        assert (context["readOnlyRootFilesystem"], context["allowPrivilegeEscalation"]) == (True, False)
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert not container["image"].endswith(":latest")


def test_the_image_is_built_as_one_should_be() -> None:
    lint("hadolint", DOCKERFILE)
    text = DOCKERFILE.read_text(encoding="utf-8")
    stages = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert stages == ["python:3.13-trixie", "python:3.13-slim-trixie"]
    last = text[text.rindex("FROM ") :]
    assert re.search(r"^USER \d+:\d+$", last, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["reconciler"\]$', last, re.MULTILINE)


def test_the_hook_and_its_example_are_what_pre_commit_takes_them_for() -> None:
    lint("pre-commit", "validate-manifest", HOOKS)
    example = EXAMPLES / "pre-commit" / ".pre-commit-config.yaml"
    lint("pre-commit", "validate-config", example)
    (repository,) = read(example)["repos"]
    assert [hook["id"] for hook in repository["hooks"]] == [hook["id"] for hook in read(HOOKS)]
