"""What ``doctor`` shows, and the JSON of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

from golden_files import assert_golden
from reconciler.attributes import rfc7643
from reconciler.capabilities import Authority, Rate, Statement, capability_names, resolve
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model import Kind
from reconciler.probing import Examination, Finding, LeftBehind, Probe
from reconciler.rendering.capabilities import (
    SECTIONS,
    examination_document,
    probe_document,
    render_examination,
    render_probe,
)
from reconciler.scim.dialects import load_dialect
from reconciler.scim.discovery import Discovery

TODAY = date(2026, 11, 22)
HOSTILE = "\x1b[2J\u202e::error::x\nforged"


def examination(remarks: tuple[Diagnostic, ...] | None = None) -> Examination:
    stated = {
        "page_size": Statement(value=50, authority=Authority.OVERRIDE, source="directory.yaml:7"),
        "rates": Statement(
            value=(Rate(requests=100, seconds=60, methods=("POST",)),),
            authority=Authority.OVERRIDE,
            source="directory.yaml:8 (a mail of the vendor)",
        ),
    }
    told = {"bulk_bytes": Statement(value=1048576, authority=Authority.SERVER, source="/ServiceProviderConfig bulk")}
    capabilities, statements = resolve(stated, load_dialect("atlassian").capabilities, told)
    return Examination(
        name="acme",
        base_url="https://api.atlassian.com/scim/directory/0123",
        dialect="atlassian",
        description=load_dialect("atlassian").description,
        token="environment variable SCIM_TOKEN",
        expires=date(2026, 12, 12),
        discovery=Discovery(schemas=rfc7643(), capabilities=capabilities, statements=statements, told=told),
        totals={Kind.USER: 1200, Kind.GROUP: 34},
        remarks=remarks
        or (
            Diagnostic(
                code="token-expires",
                message="the token stops working in 20 days, on 2026-12-12",
                hint="make a new one and put its date under token.expires",
                severity=Severity.WARNING,
            ),
            Diagnostic(code="no-schemas", message="the server has no /Schemas", severity=Severity.NOTE),
        ),
        requests=5,
    )


PROBE = Probe(
    mark="reconciler-probe-0123456789",
    findings=(
        Finding(
            question="How are members removed?",
            seen="path-filter: refused (501); value-array: works",
            states={"member_remove": "value-array"},
        ),
        Finding(question="Does bulk work?", seen="failed (500)", determined=False),
    ),
    left_behind=(
        LeftBehind(
            kind=Kind.USER,
            name="reconciler-probe-0123456789-U1@example.com",
            id="42",
            why="the server only deactivates it",
            by_design=True,
        ),
    ),
)


def test_an_examination_as_people_see_it() -> None:
    assert_golden("doctor.txt", render_examination(examination(), TODAY, color=False))


def test_a_probe_as_people_see_it() -> None:
    assert_golden("doctor_probe.txt", render_probe(PROBE, color=False))


def test_every_capability_is_shown_once() -> None:
    shown = [name for names in SECTIONS.values() for name in names]
    assert sorted(shown) == sorted(capability_names())


def test_what_a_server_says_is_shown_as_one_visible_line() -> None:
    plain = examination()
    statements = {
        **plain.discovery.statements,
        "throttle_markers": Statement(value=(HOSTILE,), authority=Authority.SERVER, source=HOSTILE),
    }
    hostile = replace(
        plain,
        name=HOSTILE,
        base_url=HOSTILE,
        discovery=replace(plain.discovery, statements=statements),
        remarks=(Diagnostic(code="x", message=HOSTILE),),
    )
    finding = Finding(question="?", seen=HOSTILE, states={"throttle_markers": (HOSTILE,)})
    left = LeftBehind(kind=Kind.GROUP, name=HOSTILE, id=HOSTILE, why=HOSTILE)
    texts = [
        render_examination(hostile, TODAY, color=False),
        render_probe(Probe(mark="x", findings=(finding,), left_behind=(left,), stopped=HOSTILE), color=False),
    ]
    for text in texts:
        assert all(line.isprintable() for line in text.splitlines())
        assert not any(line.strip().startswith(("::", "forged")) for line in text.splitlines())


def test_an_error_among_the_remarks_is_the_verdict() -> None:
    broken = examination(remarks=(Diagnostic(code="cannot-read", message="users cannot be read"),))
    assert "cannot be worked with" in render_examination(broken, TODAY, color=False).splitlines()[-1]


def test_programs_get_every_capability_with_its_authority() -> None:
    document = json.loads(json.dumps(examination_document(examination(), TODAY)))
    assert sorted(document["capabilities"]) == sorted(capability_names())
    assert document["capabilities"]["page_size"] == {"value": 50, "authority": "override", "source": "directory.yaml:7"}
    assert document["token"] == {"source": "environment variable SCIM_TOKEN", "expires": "2026-12-12", "days": 20}
    assert document["usable"] is True


def test_programs_get_every_finding_of_a_probe() -> None:
    document = json.loads(json.dumps(probe_document(PROBE)))
    assert [finding["determined"] for finding in document["findings"]] == [True, False]
    assert document["findings"][0]["states"] == {"member_remove": "value-array"}
    assert document["left_behind"][0]["by_design"] is True


def test_colours_change_nothing_but_colours() -> None:
    coloured = render_examination(examination(), TODAY, color=True)
    plain = render_examination(examination(), TODAY, color=False)
    for code in ("1", "2", "33", "31", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == plain
