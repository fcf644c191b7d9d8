from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import reconciler
from golden_files import assert_golden
from reconciler.planning import Action, Change, Edge, Note, Plan, Reason, Verdict
from reconciler.planning.effect import AccessChange, Effect, GroupEffect, UserEffect
from reconciler.planning.plan import DesiredIdentity, DirectoryIdentity, LeftOut, Since
from reconciler.rendering import report
from reconciler.rendering.report import render_html
from reconciler.rendering.report.assets import assets, vendored
from report_pages import ReportPage
from sample_plans import ALL, HOSTILE, SAMPLES, group_step, make_plan, user_step
from thoroughness import cases

VENDOR = Path(report.__file__).parent / "vendor"


def body(document: str) -> str:
    """The part of a report that is made on the server: without styles, data and scripts."""
    start, end = document.index("<body>"), document.index('<script type="application/json"')
    return document[start:end]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_report_reads_as_it_did_when_it_was_last_looked_at(name: str) -> None:
    assert_golden(f"{name}.html", body(render_html(SAMPLES[name]())))


@pytest.mark.parametrize("name", ["every_kind", "replacement", "unknown_access"])
def test_the_script_is_given_what_it_was_when_it_was_last_looked_at(name: str) -> None:
    data = ReportPage(render_html(SAMPLES[name]())).plan
    lines = (f'"{part}": {json.dumps(content, ensure_ascii=False)}' for part, content in data.items())
    assert_golden(f"{name}.report.json", "{\n" + ",\n".join(lines) + "\n}\n")


def test_ten_thousand_steps_fit_in_five_megabytes() -> None:
    document = render_html(ALL["ten_thousand"]())
    encoded = document.encode()
    print(f"a report of 10,000 steps has {len(encoded):,} bytes")
    assert len(encoded) < 5_000_000
    assert_golden("ten_thousand.html.sha256", hashlib.sha256(body(document).encode()).hexdigest() + "\n")


def test_the_library_call_gives_the_same() -> None:
    plan = SAMPLES["every_kind"]()
    assert reconciler.render(plan, "html") == render_html(plan)


def test_the_policy_lets_run_just_what_is_in_the_file() -> None:
    page = ReportPage(render_html(SAMPLES["tiny"]()))

    def named(texts: list[str]) -> str:
        return " ".join(
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts
        )

    assert f"script-src {named(page.scripts)};" in page.policy
    assert f"style-src {named(page.styles)};" in page.policy
    assert page.policy.startswith("default-src 'none';")
    assert "unsafe" not in page.policy
    assert len(page.scripts) == 2


def test_no_element_runs_styles_or_loads_anything_by_an_attribute() -> None:
    for name in SAMPLES:
        for _, attributes in ReportPage(render_html(SAMPLES[name]())).tags:
            assert not [
                one for one in attributes if one.startswith("on") or one in ("style", "src", "srcset", "action")
            ]


def test_nothing_is_asked_of_the_network() -> None:
    files = assets()
    for text in (files.style, files.script, files.libraries):
        assert "sourceMappingURL" not in text
        assert "@import" not in text
        assert not re.search(r"url\(", text)
        assert "</script" not in text
        assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|eval|Function)\s*\(", text)


@pytest.mark.parametrize("library", vendored(), ids=lambda one: one.file)
def test_vendored_files_are_what_was_published(library: Any) -> None:
    assert hashlib.sha256((VENDOR / library.file).read_bytes()).hexdigest() == library.sha256
    assert library.version in library.source
    licence = (VENDOR / library.licence_file).read_text(encoding="utf-8")
    assert {"MIT": "MIT License", "Apache-2.0": "Apache License"}[library.licence] in licence
    assert library.notice in assets().libraries


def test_every_vendored_file_is_in_the_table() -> None:
    known = {one.file for one in vendored()} | {one.licence_file for one in vendored()} | {"vendored.json"}
    assert {path.name for path in VENDOR.iterdir()} == known


def test_every_step_change_and_membership_is_in_the_data() -> None:
    for name, sample in SAMPLES.items():
        plan, data = sample(), ReportPage(render_html(sample())).plan
        columns = data["columns"]["step"]
        assert len(data["steps"]) == len(plan.steps), name
        for row, step in zip(data["steps"], plan.steps, strict=True):
            found = dict(zip(columns, row, strict=True))
            assert len(found["changes"]) == len(step.changes), step.id
            assert len(found["members"]) == len(step.members), step.id


def test_texts_are_told_once() -> None:
    data = ReportPage(render_html(SAMPLES["many_members"]())).plan
    assert len(set(data["texts"])) == len(data["texts"])


def test_two_people_whose_long_names_look_alike_stay_two() -> None:
    one, other = (f"{'a' * 300}{n}{'z' * 300}@example.com" for n in "12")
    plan = make_plan(*(user_step(Action.DEACTIVATE, name, Reason.UNLISTED) for name in (one, other)))
    assert len(ReportPage(render_html(plan)).plan["names"]) == 2


def test_values_that_are_long_show_where_they_differ() -> None:
    before, after = "a" * 5_000 + "ONE" + "b" * 5_000, "a" * 5_000 + "TWO" + "b" * 5_000
    step = user_step(
        Action.UPDATE, "ada@example.com", Reason.DIFFERS, changes=(Change(path="title", before=before, after=after),)
    )
    texts = ReportPage(render_html(make_plan(step))).plan["texts"]
    assert any("ONE" in text for text in texts)
    assert any("TWO" in text for text in texts)


def test_of_very_many_notes_the_warnings_come_first_and_the_rest_is_counted() -> None:
    notes = [Note(severity="note", code="x", message=f"note {n}") for n in range(1_500)]
    plan = make_plan(notes=(*notes, Note(severity="warning", code="x", message="look here")))
    told = ReportPage(render_html(plan)).texts_of("li", "notes")
    assert (len(told), told[0], told[-1]) == (1_001, "warning look here", "and 501 more")


def test_credentials_in_a_base_url_are_not_shown() -> None:
    directory = DirectoryIdentity(name="acme", base_url="https://me:secret@scim.example.com:8443/x", dialect="generic")
    document = render_html(make_plan(directory=directory))
    assert "scim.example.com:8443" in document
    assert "secret" not in document


@pytest.mark.parametrize("name", ["every_kind", "nested_access", "refused"])
def test_a_redacted_report_names_nobody(name: str) -> None:
    plan = SAMPLES[name]()
    document = render_html(plan, redact=True)
    people = [step.name for step in plan.steps if step.kind.value == "User"] + [user.name for user in plan.effect.users]
    assert people
    assert not [person for person in people if person in document]
    assert "Redacted" in document


foreign = st.text() | st.sampled_from(
    [
        HOSTILE,
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "]]>",
        "{{ 7 * 7 }}",
        "\ud800",
        "'\"><img src=x>",
        "&lt;",
    ]
)


@settings(deadline=None, max_examples=cases(20, thorough=200))
@given(text=foreign, other=foreign)
def test_nothing_foreign_becomes_markup_or_a_control_character(text: str, other: str) -> None:
    document = render_html(foreign_plan(text, other))
    document.encode()
    assert all(character.isprintable() or character == "\n" for character in document)
    page = ReportPage(document)
    assert page.tags == PLAIN_TAGS
    assert all(shown.isprintable() for shown in page.plan["texts"])


def foreign_plan(text: str, other: str) -> Plan:
    """The same plan for any two texts; not sealed, because no digest can be made of a lone surrogate."""
    steps = (
        user_step(
            Action.UPDATE,
            f"1{text}",
            Reason.DIFFERS,
            origin=other,
            note=text,
            correlated_by=other,
            changes=(
                Change(path=text, before=f"b{text}", after=f"a{other}", origin=other),
                Change(path=other, before=[text], after={f"x{text}": [other]}, details=(text, other)),
            ),
        ),
        group_step(
            Action.ADD_MEMBERS,
            f"2{text}",
            origin=other,
            members=(Edge(name=text, reason=Reason.NESTED, via=(other,), origin=text, note=other, rule=text),),
        ),
        group_step(Action.DELETE, f"3{other}", Reason.REPLACED, replaces=text, origin=text),
    )
    return replace(
        make_plan(),
        steps=steps,
        directory=DirectoryIdentity(name=f"d{text}", base_url=other, dialect=text),
        desired=DesiredIdentity(digest=text, files=1, commit=f"c{other}"),
        notes=(Note(severity="warning", code=text, message=other, origin=f"o{text}"),),
        guards=(
            Verdict(
                guard=f"g{text}",
                passed=False,
                number=2,
                limit=other,
                subject=f"s{text}",
                resources=(f"r{other}",),
                how_to_allow=f"h{text}",
            ),
            Verdict(guard=text, passed=True, number=2, limit=other, allowed_by=f"a{other}"),
        ),
        only=(f"o{text}",),
        left_out=(LeftOut(step=text, why=f"w{other}"),),
        since=Since(ref=f"r{text}", commit=f"c{other}", users=1, groups=2),
        effect=Effect(
            groups=(
                GroupEffect(
                    name=f"g{text}",
                    before=1,
                    after=1,
                    gained=(AccessChange(step=text, users=(f"u{text}",), via=(f"v{other}",)),),
                    kept=(f"k{other}",),
                ),
            ),
            users=(UserEffect(name=f"u{text}", before=0, after=1, kept=(f"q{other}",)),),
            unknown=(f"n{text}",),
        ),
    )


PLAIN_TAGS = ReportPage(render_html(foreign_plan("plain", "word"))).tags
