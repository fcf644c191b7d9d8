"""From a merge request to the directory, and through the night: the file for GitLab that people copy is what runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitlab_runner import Job, Runner
from pipelines import DIRECTORY, FAY, FAY_IN_TEAM, GROUPS, NOBODY_BUT_ADA, Pipeline, names, pipeline, somebody_writes
from postgres import PostgreSQL
from reconciler.planning.signing import generate


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline("gitlab", tmp_path) as made:
        yield made


@pytest.fixture
def runner(place: Pipeline) -> Runner:
    private, public = generate()
    (place.folder / "plan.key").write_bytes(private)
    (place.folder / "plan.pub").write_bytes(public)
    desk = place.desk.environ
    variables = {name: desk[name] for name in ("CI_API_V4_URL", "CI_PROJECT_ID", "CI_PROJECT_URL", "GITLAB_TOKEN")}
    variables["CI_JOB_URL"] = "https://gitlab.example/acme/directory/-/jobs/5"
    variables["SCIM_BASE_URL"] = place.sandbox.base_url
    variables["PLAN_PUBLIC_KEY"] = str(place.folder / "plan.pub")
    scoped = {
        "directory/review": place.secrets,
        "directory/main": place.secrets | {"PLAN_KEY": str(place.folder / "plan.key")},
        "directory/apply": place.secrets,
    }
    return Runner(place.origin, place.folder / "runs", place.path, variables, scoped)


def proposed(place: Pipeline, runner: Runner, *, fork: bool = False) -> dict[str, Job]:
    """Push to the branch of merge request 7."""
    return runner.run(
        "merge_request_event",
        "change",
        CI_MERGE_REQUEST_IID="7",
        CI_MERGE_REQUEST_PROJECT_ID="42",
        CI_MERGE_REQUEST_SOURCE_PROJECT_ID="666" if fork else "42",
        CI_MERGE_REQUEST_DIFF_BASE_SHA=place.git("merge-base", "main", "change"),
    )


def quality(job: Job) -> list[dict[str, Any]]:
    assert job.report is not None
    found: list[dict[str, Any]] = json.loads(job.report.read_text(encoding="utf-8"))
    return found


def test_a_merge_request_is_planned_and_shown_and_the_next_push_brings_it_up_to_date(
    place: Pipeline, runner: Runner
) -> None:
    place.propose("Fay joins", users=FAY)
    jobs = proposed(place, runner)
    assert jobs.keys() == {"plan"}
    plan = jobs["plan"]
    assert plan.outcome == "success", plan.said
    assert plan.files == {"directory.plan", "events.jsonl", "report.html"}
    (remark,) = quality(plan)
    assert remark["location"] == {"path": "directory/users.yaml", "lines": {"begin": 6}}
    (note,) = place.desk.bodies
    assert "Plan: 1 to create" in note
    assert "https://gitlab.example/acme/directory/-/jobs/5" in note

    place.propose("Fay joins the team", groups=FAY_IN_TEAM)
    assert proposed(place, runner)["plan"].outcome == "success"
    (note,) = place.desk.bodies
    assert "1 memberships to add" in note
    assert len(place.desk.fake.said("POST")) == 1


def test_files_that_are_wrong_end_it_with_1_and_every_problem_in_the_diff(place: Pipeline, runner: Runner) -> None:
    place.propose("Typing errors", users=f"{FAY}    titel: Chief\n", groups=GROUPS.replace("bob", "bab"))
    plan = proposed(place, runner)["plan"]
    assert (plan.outcome, plan.code) == ("failed", 1)
    assert [(one["location"]["path"], one["location"]["lines"]["begin"]) for one in quality(plan)] == [
        ("directory/groups.yaml", 3),
        ("directory/users.yaml", 7),
    ]
    assert place.desk.bodies == []


def test_a_refused_plan_is_shown_everywhere_and_ends_with_3(place: Pipeline, runner: Runner) -> None:
    place.propose("Two leave", users=NOBODY_BUT_ADA, groups=GROUPS.replace(", bob@example.com", ""))
    plan = proposed(place, runner)["plan"]
    assert (plan.outcome, plan.code) == ("failed", 3)
    assert "users.deactivate" in place.desk.bodies[0]
    assert "users.deactivate" in {one["check_name"] for one in quality(plan)}
    assert "report.html" in plan.files


def test_a_merge_request_from_a_fork_is_validated(place: Pipeline, runner: Runner) -> None:
    place.propose("Fay joins", users=FAY)
    jobs = proposed(place, runner, fork=True)
    assert {name: job.outcome for name, job in jobs.items()} == {"validate": "success"}
    assert place.desk.fake.requests == []


def test_a_change_that_concerns_everybody_is_planned_as_a_whole(place: Pipeline, runner: Runner) -> None:
    place.propose("Ignore strangers", directory=DIRECTORY.replace("users: deactivate", "users: ignore"), users=FAY)
    plan = proposed(place, runner)["plan"]
    assert plan.outcome == "success", plan.said
    assert "cannot be planned by itself, as told above: planning everything" in plan.said


def test_what_was_merged_is_signed_and_applied_when_somebody_says_so(place: Pipeline, runner: Runner) -> None:
    place.propose("Fay joins", users=FAY, groups=FAY_IN_TEAM)
    place.merge()
    jobs = runner.run("push")
    assert (jobs["sign"].outcome, jobs["apply"].outcome) == ("success", "manual")
    assert "fay@example.com" not in names(place)
    jobs = runner.run("push", play=("apply",))
    assert jobs["apply"].outcome == "success", jobs["apply"].said
    assert "Applied: 2 applied, 0 differ" in jobs["apply"].said
    assert "fay@example.com" in names(place)


def test_a_plan_signed_with_another_key_is_refused_with_4(place: Pipeline, runner: Runner) -> None:
    (place.folder / "plan.key").write_bytes(generate()[0])
    place.propose("Fay joins", users=FAY)
    place.merge()
    jobs = runner.run("push", play=("apply",))
    assert (jobs["sign"].outcome, jobs["apply"].code) == ("success", 4)
    assert "fay@example.com" not in names(place)


def test_a_guard_is_lifted_once_by_hand_with_a_reason(place: Pipeline, runner: Runner) -> None:
    place.propose("Two leave", users=NOBODY_BUT_ADA, groups=GROUPS.replace(", bob@example.com", ""))
    place.merge()
    jobs = runner.run("push", play=("apply",))
    assert (jobs["sign"].code, jobs["apply"].outcome) == (3, "skipped")
    lifted = {"PLAN_ALLOW": "users.deactivate=2|memberships.remove=1", "PLAN_REASON": "OPS-1234: $(false)"}
    jobs = runner.run("web", play=("apply",), **lifted)
    assert jobs["apply"].outcome == "success", jobs["apply"].said


@pytest.mark.slow
def test_a_night_opens_the_issue_and_a_quiet_one_closes_it(
    place: Pipeline, runner: Runner, postgresql: PostgreSQL
) -> None:
    policy = f"reconcile: {{auto_approve: [users.create]}}\nstore: {postgresql.new_place()}\n"
    place.commit("Fay joins", directory=f"{DIRECTORY}{policy}", users=FAY, groups=FAY_IN_TEAM)
    jobs = runner.run("schedule")
    assert jobs.keys() == {"nightly"}
    assert (jobs["nightly"].outcome, jobs["nightly"].code) == ("warning", 2), jobs["nightly"].said
    assert "1 step waiting for approval" in place.desk.open_bodies[0]
    assert jobs["nightly"].files == {"report.html", "waiting.plan", "drift.json", "reconciled.json"}
    place.commit("As before", groups=GROUPS)
    assert runner.run("schedule")["nightly"].outcome == "success"
    assert place.desk.open_bodies == []
    somebody_writes(place, "ada@example.com", title="Chief")
    assert runner.run("schedule")["nightly"].outcome == "warning"
    assert "1 difference that somebody made" in place.desk.open_bodies[0]
