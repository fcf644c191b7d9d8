"""What the issue of a nightly job says, and what it is made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plan_parts import make_plan, user_step
from reconciler.ci.documents import findings, read_reconciled
from reconciler.ci.errors import DocumentError
from reconciler.ci.reports import Findings, report
from reconciler.model import Kind
from reconciler.planning import Action, PlanFileError, Reason, encode
from reconciler.planning.drift import Drift, Item, Sort
from reconciler.planning.plan import DirectoryIdentity
from reconciler.rendering.drift import drift_document
from sample_plans import ALL
from thoroughness import cases

HERE = DirectoryIdentity(name="acme", base_url="https://scim.example.com", dialect="generic")
LABEL = "reconciler"


def item(sort: Sort = Sort.DRIFT, name: str = "ada@example.com", **fields: Any) -> Item:
    given: dict[str, Any] = {
        "path": "title",
        "left": "Clerk",
        "live": "Boss",
        "wanted": "Clerk",
        "resource_id": "2819c223",
    }
    return Item(
        sort=sort,
        key=f"user:{name} title",
        value="sha256:0",
        action=Action.UPDATE,
        kind=Kind.USER,
        name=name,
        reason=Reason.DIFFERS,
        **{**given, **fields},
    )


def drift(*items: Item, last_run: str | None = "run-1", directory: DirectoryIdentity = HERE) -> Drift:
    return Drift(directory=directory, as_of="2026-11-22T00:00:00Z", last_run=last_run, items=items)


def said(found: Drift) -> bytes:
    return json.dumps(drift_document(found)).encode()


def reconciled(pending: dict[str, Any] | None, directory: str = "acme") -> bytes:
    return json.dumps({"plan": {"digest": "sha256:0", "directory": directory}, "pending": pending}).encode()


def test_drift_is_told_with_what_it_was_and_what_the_files_say() -> None:
    told = report(Findings(directory="acme", drift=drift(item())), host="github", label=LABEL)
    assert told.waiting
    assert told.body == (
        f"{told.marker}\n\n**In the directory `acme`: 1 difference that somebody made in the directory.**\n\n"
        "## Changed in the directory: 1\n\n"
        '- `user:ada@example.com` title: `"Clerk"` → `"Boss"`\n\n'
        "To set it back, apply the files. To keep it, change the files. To put up with it: "
        "`reconciler drift --accept KEY --reason …`\n\n"
        "*This issue is kept up to date, and done when nothing is left.*\n"
    )


def test_what_is_only_pending_from_the_files_is_no_drift() -> None:
    assert not Findings(directory="acme", drift=drift(item(Sort.PENDING))).waiting
    assert Findings(directory="acme", drift=drift(item(Sort.BOTH))).waiting
    assert Findings(directory="acme", drift=drift(item(Sort.UNKNOWN), last_run=None)).waiting


def test_a_plan_that_waits_is_shown_as_on_a_pull_request() -> None:
    told = report(Findings(directory="acme", pending=ALL["refused"]()), host="github", label=LABEL)
    assert told.waiting
    assert "a plan that guards refuse" in told.body
    assert "--allow users.deactivate=30" in told.body
    assert told.body.count("<!--") == 1


def test_nothing_that_waits_is_said_plainly() -> None:
    told = report(Findings(directory="acme", drift=drift(), pending=ALL["empty"]()), host="github", label=LABEL)
    assert not told.waiting
    assert "Nothing waits for a person any more in the directory `acme`." in told.body


def test_directories_and_keys_have_markers_of_their_own() -> None:
    markers = {
        report(Findings(directory=name), host="github", label=LABEL, key=key).marker
        for name, key in (("acme", ""), ("acme", "a"), ("acmea", ""), ("beta", ""))
    }
    assert len(markers) == 4
    assert all(marker.startswith("<!-- reconciler:issue ") for marker in markers)


def test_where_the_job_is_is_linked() -> None:
    told = report(Findings(directory="acme"), host="github", label=LABEL, where="https://ci.example.com/7")
    assert "[the job that last looked](https://ci.example.com/7)" in told.body


def test_redacted_it_names_nobody_and_no_value() -> None:
    changes = [
        item(left="secret-1", live="secret-2"),
        item(path=None, member="user:secret-3@example.com"),
        item(path='emails[value eq "secret-4"]', resource_id="ada@example.com"),
    ]
    found = Findings(directory="acme", drift=drift(*changes), pending=ALL["every_kind"]())
    body = report(found, host="github", label=LABEL, redact=True).body
    assert "secret" not in body
    assert "@example.com" not in body
    assert "user `2819c223`: `title` differs" in body


@pytest.mark.parametrize(
    ("user_id", "told"),
    [
        ("2819c223", "user `2819c223`"),
        ("usr-lovelace-7", "user whose id tells a name"),
        ("adalovelace", "user whose id tells a name"),
        ("x\u202ey", "user whose id tells a name"),
        (None, "user without an id"),
    ],
)
def test_redacted_an_id_stands_for_a_person_unless_it_tells_the_name(user_id: str | None, told: str) -> None:
    found = drift(item(name="ada.lovelace@example.com", resource_id=user_id))
    body = report(Findings(directory="acme", drift=found), host="github", label=LABEL, redact=True).body
    assert f"- {told}: `title` differs" in body


def test_much_drift_and_a_large_plan_fit_together_and_say_what_is_left_out() -> None:
    many = drift(*(item(name=f"person{number:05}@example.com") for number in range(5000)))
    body = report(
        Findings(directory="acme", drift=many, pending=ALL["ten_thousand"]()), host="github", label=LABEL
    ).body
    assert len(body.encode()) <= 65_536
    assert "more differences" in body
    assert "ten" not in body.splitlines()[0]
    assert "not shown here" in body


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"error": {"type": "ScimError", "message": "out of reach"}}', "failed: out of reach"),
        (b'{"format": "reconciler.plan/1"}', "no drift"),
        (b'{"format": "reconciler.drift/1"}', "directory"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_document_that_is_no_drift_is_an_error_and_no_absence_of_drift(data: bytes, problem: str) -> None:
    with pytest.raises(DocumentError, match=r"drift\.json") as caught:
        findings(drift=(data, "drift.json"))
    assert problem in str(caught.value)


def test_what_drift_prints_is_read_as_it_was() -> None:
    found = drift(item(), item(Sort.BOTH, name="bob@example.com"))
    assert findings(drift=(said(found), "drift.json")).drift == found


def test_the_plan_that_waits_is_the_one_that_the_run_speaks_of(tmp_path: Path) -> None:
    file, plan = tmp_path / "pending.plan", ALL["tiny"]()
    file.write_bytes(encode(plan))
    document = reconciled({"file": str(file), "digest": plan.digest})
    assert read_reconciled(document, "r.json") == ("acme", plan)
    assert read_reconciled(reconciled(None), "r.json") == ("acme", None)
    with pytest.raises(DocumentError, match="another plan by now"):
        read_reconciled(reconciled({"file": str(file), "digest": "sha256:1"}), "r.json")
    with pytest.raises(DocumentError, match="could not be saved"):
        read_reconciled(reconciled({"file": None, "digest": "sha256:1"}), "r.json")
    file.write_bytes(encode(plan).replace(b"ada", b"eve"))
    with pytest.raises(PlanFileError):
        read_reconciled(document, "r.json")


def test_documents_about_two_directories_are_not_mixed() -> None:
    with pytest.raises(DocumentError, match="'acme', 'beta'"):
        findings(drift=(said(drift()), "d.json"), reconciled=(reconciled(None, "beta"), "r.json"))


texts = st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("\r\n`<>|@#:[]()!\x1b\u202e-")))


@settings(deadline=None, max_examples=cases(40, thorough=400))
@given(texts, texts, texts, texts)
def test_whatever_a_directory_holds_the_body_has_the_lines_that_we_wrote(a: str, b: str, c: str, d: str) -> None:
    where = DirectoryIdentity(name=a, base_url="https://x.example", dialect="generic")
    found = drift(item(name=b, path=c, left=d, live=[a], origin=d), item(path=None, member=b), directory=where)
    told = report(Findings(directory=a, drift=found), host="gitlab", label=LABEL)
    usual = report(
        Findings(directory="acme", drift=drift(item(), item(path=None, member="x"))), host="gitlab", label=LABEL
    )
    assert len(told.body.splitlines()) == len(usual.body.splitlines())
    assert told.title.isprintable()
    assert told.body.replace("\n", "").isprintable()
    assert all(line[:2] in ("", "- ", "**", "##", "*T", "<!", "To") for line in told.body.split("\n"))


def test_a_plan_without_steps_that_nobody_refuses_waits_for_nobody() -> None:
    assert not Findings(directory="acme", pending=make_plan()).waiting
    step = user_step(Action.CREATE, "ada@example.com", Reason.NOT_IN_DIRECTORY)
    assert Findings(directory="acme", pending=make_plan(step)).waiting
