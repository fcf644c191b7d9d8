"""From a pull request to the directory, and through the night: the workflows that people copy are the ones that run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_github import REPOSITORY
from pipelines import (
    DIRECTORY,
    FAY,
    FAY_IN_TEAM,
    GROUPS,
    NOBODY_BUT_ADA,
    USERS,
    Pipeline,
    names,
    pipeline,
    somebody_deletes,
    somebody_writes,
)
from postgres import PostgreSQL
from reconciler.planning import Plan, decode
from reconciler.planning.signing import generate
from workflow_runner import INSTALL, Event, Job, Runner

GH = """\
#!/bin/sh
# GitHub's own program, as far as it is used.
case "$1 $2" in
  "api repos/acme/directory/commits/$GITHUB_SHA/pulls") echo {head} ;;
  "run list") case " $* " in *" --commit {head} "*) echo 77 ;; esac ;;
  "run download") [ "$3" = 77 ] && while [ $# -gt 1 ]; do shift; done && cp -r {kept} "$1" ;;
  *) exit 1 ;;
esac
"""
PRIVATE, PUBLIC = (key.decode() for key in generate())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline("github", tmp_path) as made:
        yield made


@pytest.fixture
def runner(place: Pipeline) -> Runner:
    host = {
        "GITHUB_API_URL": place.desk.fake.api_url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_SERVER_URL": "https://github.example",
    }
    return Runner(
        place.origin,
        place.folder / "runs",
        place.path,
        host,
        token=place.desk.token,
        variables={"SCIM_BASE_URL": place.sandbox.base_url, "PLAN_PUBLIC_KEY": PUBLIC},
        secrets={
            "directory-review": place.secrets,
            "directory-main": place.secrets | {"PLAN_KEY": PRIVATE},
            "directory-apply": place.secrets,
        },
    )


def proposed(runner: Runner, *, fork: bool = False) -> dict[str, Job]:
    """Push to the pull request."""
    repository = {"full_name": "mallory/directory" if fork else REPOSITORY}
    payload = {"pull_request": {"number": 7, "head": {"repo": repository}}}
    runner.from_fork = fork
    return runner.run("plan.yml", Event("pull_request", "refs/pull/7/merge", payload))


def merged(runner: Runner, **inputs: str) -> dict[str, Job]:
    """Push to main; with inputs, start the workflow by hand."""
    return runner.run("apply.yml", Event("workflow_dispatch" if inputs else "push", inputs=inputs))


def kept_plan(runner: Runner) -> Plan:
    return decode((runner.artifacts["directory-plan"] / "directory.plan").read_bytes())


def test_a_pull_request_is_planned_and_shown_and_the_next_push_brings_it_up_to_date(
    place: Pipeline, runner: Runner
) -> None:
    place.propose("Fay joins", users=FAY)
    before = place.sandbox.request_count
    jobs = proposed(runner)
    plan = jobs["plan"]
    assert plan.outcome == "success", plan.said
    assert place.sandbox.request_count - before <= 12
    (annotation,) = [line for line in plan.annotations if "create" in line]
    assert annotation.startswith("::notice file=directory/users.yaml,line=6,col=1,title=create::creates user fay@")
    assert "Plan: 1 to create" in plan.summary
    assert {file.name for file in runner.artifacts["directory-plan"].iterdir()} == {
        "directory.plan",
        "events.jsonl",
        "report.html",
    }
    assert kept_plan(runner).since is not None
    (comment,) = place.desk.bodies
    assert "Plan: 1 to create, 0 to update" in comment
    assert f"https://github.example/{REPOSITORY}/actions/runs/1" in comment

    place.propose("Fay joins the team", groups=FAY_IN_TEAM)
    assert proposed(runner)["plan"].outcome == "success"
    (comment,) = place.desk.bodies
    assert "Plan: 1 to create, 0 to update, 0 to deactivate, 0 to delete; 1 memberships to add" in comment
    assert len(place.desk.fake.said("POST")) == 1 + place.desk.fake.said("POST").count("/api/graphql")


def test_only_what_a_real_runner_can_do_is_stood_in_for(place: Pipeline, runner: Runner) -> None:
    place.propose("Fay joins", users=FAY)
    jobs = proposed(runner)
    assert jobs["validate"].stood_in == ["actions/checkout", "actions/setup-python", INSTALL]
    assert jobs["plan"].stood_in == [
        "actions/checkout",
        "actions/setup-python",
        INSTALL,
        "actions/upload-artifact",
    ]
    assert [step.name for step in jobs["plan"].steps if step.outcome == "skipped"] == ["End red where a guard refuses"]


def test_files_that_are_wrong_end_it_with_1_and_every_problem_on_its_line(place: Pipeline, runner: Runner) -> None:
    place.propose("Typing errors", users=f"{USERS}    titel: Chief\n", groups=GROUPS.replace("bob", "bab"))
    jobs = proposed(runner)
    validate = jobs["validate"]
    assert (validate.outcome, validate.code) == ("failure", 1)
    places = [annotation.partition(",col=")[0] for annotation in validate.annotations]
    assert places == ["::error file=directory/groups.yaml,line=3", "::error file=directory/users.yaml,line=6"]
    assert jobs["plan"].outcome == "skipped"
    assert place.desk.bodies == []


def test_a_refused_plan_is_shown_everywhere_and_ends_with_3(place: Pipeline, runner: Runner) -> None:
    place.propose("Two leave", users=NOBODY_BUT_ADA, groups=GROUPS.replace(", bob@example.com", ""))
    plan = proposed(runner)["plan"]
    assert (plan.outcome, plan.code) == ("failure", 3)
    assert "users.deactivate refuses the plan" in next(line for line in plan.annotations if line.startswith("::error"))
    (comment,) = place.desk.bodies
    assert "guard" in comment
    assert "users.deactivate" in comment
    assert "refuse" in plan.summary
    assert (runner.artifacts["directory-plan"] / "report.html").exists()


def test_a_pull_request_from_a_fork_is_validated_and_sees_no_secret(place: Pipeline, runner: Runner) -> None:
    place.propose("Fay joins", users=FAY)
    before = place.sandbox.request_count
    jobs = proposed(runner, fork=True)
    assert (jobs["validate"].outcome, jobs["plan"].outcome) == ("success", "skipped")
    assert place.sandbox.request_count == before
    assert place.desk.fake.requests == []


def test_a_change_that_concerns_everybody_is_planned_as_a_whole(place: Pipeline, runner: Runner) -> None:
    place.propose("Ignore strangers", directory=DIRECTORY.replace("users: deactivate", "users: ignore"), users=FAY)
    plan = proposed(runner)["plan"]
    assert plan.outcome == "success"
    assert "cannot be planned by itself, as told above: planning everything" in plan.step("Plan").said
    assert kept_plan(runner).since is None
    assert "1 to create" in place.desk.bodies[0]


def test_names_stay_away_where_they_are_to_be_redacted(place: Pipeline, runner: Runner) -> None:
    workflow = place.origin / ".github" / "workflows" / "plan.yml"
    text = workflow.read_text(encoding="utf-8")
    workflow.write_text(text.replace('comment: "true"', 'comment: "true"\n          redact: "true"'), encoding="utf-8")
    place.propose("Fay joins", users=FAY)
    plan = proposed(runner)["plan"]
    assert plan.outcome == "success"
    assert [file.name for file in runner.artifacts["directory-plan"].iterdir()] == ["report.html"]
    report = (runner.artifacts["directory-plan"] / "report.html").read_text(encoding="utf-8")
    for told in (plan.said, plan.summary, place.desk.bodies[0], report):
        assert "fay@example.com" not in told


def test_what_was_merged_is_signed_approved_and_applied_and_then_nothing_is_left(
    place: Pipeline, runner: Runner
) -> None:
    place.propose("Fay joins", users=FAY, groups=FAY_IN_TEAM)
    place.merge()
    jobs = merged(runner)
    assert jobs["plan"].outcome == "success", jobs["plan"].said
    assert jobs["apply"].outcome == "success", jobs["apply"].said
    assert kept_plan(runner).signature is not None
    assert jobs["apply"].summary == "Applied: 2 applied, 0 differ, 0 failed, 0 stale, 0 skipped, 0 not tried.\n"
    assert "fay@example.com" in names(place)
    jobs = merged(runner)
    assert (jobs["plan"].outcome, jobs["apply"].outcome) == ("success", "skipped")
    assert "No changes." in jobs["plan"].said


def test_what_is_new_since_the_review_is_told(place: Pipeline, runner: Runner) -> None:
    head = place.propose("Fay joins", users=FAY)
    assert proposed(runner)["plan"].outcome == "success"
    program = place.programs / "gh"
    program.write_text(GH.format(head=head, kept=runner.artifacts["directory-plan"]), encoding="utf-8")
    program.chmod(0o755)
    place.merge()
    somebody_deletes(place, "eve@example.com")
    said = merged(runner)["plan"].said
    assert "What separates it from the plan that was reviewed:" in said
    new = said.partition("Only in the newer plan, reviewed by nobody:")[2]
    assert "+ eve@example.com" in new
    assert "fay@example.com" not in new


def test_a_plan_signed_with_another_key_is_refused_with_4(place: Pipeline, runner: Runner) -> None:
    runner.secrets["directory-main"]["PLAN_KEY"] = generate()[0].decode()
    place.propose("Fay joins", users=FAY)
    place.merge()
    jobs = merged(runner)
    assert (jobs["plan"].outcome, jobs["apply"].code) == ("success", 4)
    assert "the plan is signed by the key" in jobs["apply"].said
    assert "fay@example.com" not in names(place)


def test_a_guard_is_lifted_once_by_hand_with_a_reason(place: Pipeline, runner: Runner) -> None:
    place.propose("Two leave", users=NOBODY_BUT_ADA, groups=GROUPS.replace(", bob@example.com", ""))
    place.merge()
    jobs = merged(runner)
    assert (jobs["plan"].code, jobs["apply"].outcome) == (3, "skipped")
    jobs = merged(
        runner, allow="users.deactivate=2|memberships.remove=1", reason="OPS-1234: the team is closed; $(false) `false`"
    )
    assert jobs["plan"].outcome == "success", jobs["plan"].said
    assert jobs["apply"].outcome == "success", jobs["apply"].said
    assert kept_plan(runner).reason == "OPS-1234: the team is closed; $(false) `false`"


def test_the_key_that_signs_is_in_no_job_of_a_pull_request(place: Pipeline, runner: Runner) -> None:
    workflow = place.origin / ".github" / "workflows" / "plan.yml"
    assert "PLAN_KEY" not in workflow.read_text(encoding="utf-8")
    del runner.secrets["directory-main"]["PLAN_KEY"]
    place.propose("Fay joins", users=FAY)
    assert proposed(runner)["plan"].outcome == "success"
    place.merge()
    assert merged(runner)["plan"].code == 1


@pytest.mark.slow
def test_a_night_opens_the_issue_the_next_one_updates_it_and_a_quiet_one_closes_it(
    place: Pipeline, runner: Runner, postgresql: PostgreSQL
) -> None:
    directory = f"{DIRECTORY}reconcile: {{auto_approve: [users.create]}}\nstore: {postgresql.new_place()}\n"
    place.commit("A store, and a policy", directory=directory)

    def night() -> Job:
        return runner.run("nightly.yml", Event("schedule"))["reconcile"]

    place.commit("Fay joins the team", users=FAY, groups=FAY_IN_TEAM)
    first = night()
    assert first.outcome == "success", first.said
    assert "fay@example.com" in names(place)
    (issue,) = place.desk.open_bodies
    assert "1 step waiting for approval" in issue
    assert {"waiting.plan", "report.html", "reconciled.json", "drift.json"} == {
        file.name for file in runner.artifacts["directory-nightly"].iterdir()
    }

    somebody_writes(place, "ada@example.com", title="Chief")
    second = night()
    assert second.outcome == "success", second.said
    (updated,) = place.desk.open_bodies
    assert "1 difference that somebody made in the directory, and 2 steps waiting for approval" in updated

    place.commit("Guarded", users=NOBODY_BUT_ADA, groups=GROUPS.replace(", bob@example.com", ""))
    refused = night()
    assert (refused.outcome, refused.code) == ("failure", 3)
    assert "a plan that guards refuse" in place.desk.open_bodies[0]

    runner.secrets["directory-main"]["SCIM_TOKEN"] = "expired"
    unknown = night()
    assert (unknown.outcome, unknown.code) == ("failure", 1)
    assert "a plan that guards refuse" in place.desk.open_bodies[0]
    assert unknown.step("Verify the audit").outcome == "success"
    runner.secrets["directory-main"]["SCIM_TOKEN"] = place.sandbox.token

    somebody_writes(place, "ada@example.com", title="Engineer")
    place.commit("As before", users=FAY, groups=GROUPS)
    quiet = night()
    assert (quiet.outcome, place.desk.open_bodies) == ("success", [])
    assert quiet.summary == ""
