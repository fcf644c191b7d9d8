"""A plan file is intact only byte for byte, and only for a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.planning import Action, Change, Plan, PlanFileError, Reason, as_json, decode, encode
from reconciler.planning.document import PlanTooEarlyError, PlanTooOldError, check_age, seal
from reconciler.planning.signing import generate, sign, verify
from sample_plans import SAMPLES, every_kind, hostile, make_plan, tiny, user_step

PRIVATE, PUBLIC = generate()
UNSIGNED = encode(every_kind())
SIGNED = encode(sign(every_kind(), PRIVATE))
MADE_AT = datetime(2026, 11, 22, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_written_reads_back_as_the_same_plan_and_the_same_bytes(name: str) -> None:
    for made in (SAMPLES[name](), sign(SAMPLES[name](), PRIVATE)):
        assert decode(encode(made)) == made
        assert encode(decode(encode(made))) == encode(made)


def test_a_plan_file_harms_no_terminal_and_no_log() -> None:
    assert all(byte == 0x0A or 0x20 <= byte < 0x7F for byte in encode(hostile()))


@pytest.mark.parametrize(
    "value", [10**30, 2**64, -(2**63) - 1, -0.0, 1e300, 0.1, "\x7f\U0001f600\u2028é", {"ß": [None]}]
)
def test_values_of_any_form_survive(value: object) -> None:
    change = Change(path="x", after=value)
    made = make_plan(user_step(Action.UPDATE, "ada@example.com", Reason.DIFFERS, changes=(change,)))
    assert decode(encode(made)) == made


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """One byte changed, put in or taken out, or a stretch doubled or lost, anywhere."""
    share = draw(st.floats(0, 1, exclude_max=True))
    byte = bytes([draw(st.integers(0, 255))])
    kind = draw(st.sampled_from(("change", "insert", "delete", "cut", "double", "case")))
    length = draw(st.integers(1, 200))

    def damage(data: bytes) -> bytes:
        at = int(share * len(data))
        match kind:
            case "change":
                return data[:at] + byte + data[at + 1 :]
            case "insert":
                return data[:at] + byte + data[at:]
            case "delete":
                return data[:at] + data[at + 1 :]
            case "cut":
                return data[:at] + data[at + length :]
            case "double":
                return data[: at + length] + data[at:]
        return data[:at] + data[at : at + 1].swapcase() + data[at + 1 :]

    return damage


@given(damage=damages())
@example(damage=lambda data: data + b"\n")
@example(damage=lambda data: data + b" ")
@example(damage=lambda data: b" " + data)
@example(damage=lambda data: data[:-1])
@example(damage=lambda data: data + b"\0")
def test_whatever_is_done_to_a_plan_file_is_found(damage: Callable[[bytes], bytes]) -> None:
    for written in (UNSIGNED, SIGNED):
        damaged = damage(written)
        if damaged == written:
            continue
        with pytest.raises(PlanFileError):
            decode(damaged)


def test_at_every_place_of_a_signed_plan_a_bit_that_flips_and_a_byte_too_many_or_too_few_is_found() -> None:
    written = encode(sign(tiny(), PRIVATE))
    found = 0
    for at in range(len(written)):
        before, byte, after = written[:at], written[at], written[at + 1 :]
        flipped = bytes([byte ^ 1 << at % 8])
        for damaged in (before + flipped + after, before + bytes([byte]) * 2 + after, before + after):
            try:
                decode(damaged)
            except PlanFileError:
                found += 1
    assert found == 3 * len(written)


def test_a_signature_that_is_taken_away_is_missed_by_who_asks_for_it() -> None:
    stripped = encode(msgspec.structs.replace(decode(SIGNED), signature=None))
    with pytest.raises(PlanFileError, match="is not signed"):
        verify(decode(stripped), PUBLIC)


def with_doubled_key(data: bytes) -> bytes:
    return data.replace(b'{\n "format"', b'{\n "format": "reconciler.plan/1",\n "format"', 1)


def in_other_order(data: bytes) -> bytes:
    return json.dumps(dict(reversed(json.loads(data).items())), indent=1).encode() + b"\n"


@pytest.mark.parametrize(
    ("rewritten", "told"),
    [
        (lambda data: data.replace(b"\n", b"\r\n"), r"CRLF now.*\*\.plan -text"),
        (lambda data: b"\xef\xbb\xbf" + data, "byte order mark"),
        (lambda data: data.decode().encode("utf-16"), "not valid JSON"),
        (lambda data: data + b"\n", "in line"),
        (lambda data: json.dumps(json.loads(data)).encode(), "in line 1"),
        (in_other_order, "order of keys .* in line 2"),
        (with_doubled_key, "in line 3"),
        (lambda data: data.replace(b"1203", b"1.203e3"), "not intact"),
        (lambda data: data.replace(b"active", b"\\u0061ctive", 1), "in line"),
        (lambda data: data.replace(b'"steps"', b'"reason": null,\n "steps"'), "in line"),
    ],
)
def test_a_file_that_says_the_same_otherwise_is_refused_with_what_is_wrong(
    rewritten: Callable[[bytes], bytes], told: str
) -> None:
    with pytest.raises(PlanFileError, match=told):
        decode(rewritten(UNSIGNED))


def test_a_value_written_otherwise_is_refused() -> None:
    change = Change(path="x", after=10.0)
    written = encode(make_plan(user_step(Action.UPDATE, "ada@example.com", Reason.DIFFERS, changes=(change,))))
    with pytest.raises(PlanFileError, match="the form of a value"):
        decode(written.replace(b"10.0", b"1e1"))


def of(as_of: str) -> Plan:
    return seal(msgspec.structs.replace(every_kind(), as_of=as_of))


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=3), WEEK, timedelta(minutes=-5)])
def test_a_plan_may_be_applied_until_it_is_too_old_and_whatever_clocks_say(later: timedelta) -> None:
    check_age(of("2026-11-22T00:00:00Z"), MADE_AT + later, WEEK)


def test_a_plan_that_is_too_old_is_refused_with_both_times() -> None:
    now = MADE_AT + WEEK + timedelta(seconds=1)
    told = "it is of 2026-11-22T00:00:00Z, now is 2026-11-29T00:00:01Z, and max_plan_age allows 7d"
    with pytest.raises(PlanTooOldError, match=told) as caught:
        check_age(of("2026-11-22T00:00:00Z"), now, WEEK)
    assert (caught.value.as_of, caught.value.now, caught.value.max_age) == (MADE_AT, now, WEEK)


@pytest.mark.parametrize(
    ("age", "written"), [(timedelta(hours=36), "36h"), (timedelta(minutes=90), "90m"), (timedelta(seconds=0), "0s")]
)
def test_the_age_is_told_as_the_settings_have_it(age: timedelta, written: str) -> None:
    with pytest.raises(PlanTooOldError, match=f"allows {written}"):
        check_age(of("2026-11-22T00:00:00Z"), MADE_AT + WEEK, age)


def test_a_plan_for_the_future_waits_for_its_day() -> None:
    early = MADE_AT - timedelta(minutes=5, seconds=1)
    with pytest.raises(PlanTooEarlyError, match="may be applied from 2026-11-22T00:00:00Z on") as caught:
        check_age(of("2026-11-22T00:00:00Z"), early, WEEK)
    assert (caught.value.as_of, caught.value.now) == (MADE_AT, early)


@pytest.mark.parametrize("as_of", ["", "soon", "2026-11-22T00:00:00", "2026-13-01T00:00:00Z"])
def test_a_plan_without_a_time_is_refused(as_of: str) -> None:
    with pytest.raises(PlanFileError, match="the plan is of"):
        check_age(of(as_of), MADE_AT, WEEK)


def test_times_at_the_ends_of_the_calendar_are_told_like_others() -> None:
    for as_of in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        with pytest.raises(PlanFileError):
            check_age(of(as_of), MADE_AT.astimezone(timezone(timedelta(hours=9))), WEEK)


def test_plans_of_other_formats_are_refused() -> None:
    document = as_json(every_kind()) | {"format": "reconciler.plan/2"}
    with pytest.raises(PlanFileError, match=r"reconciler\.plan/2"):
        decode(json.dumps(document).encode())
