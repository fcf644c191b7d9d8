"""What YAML means here, and where it was written."""

import string
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired import yaml_limits
from reconciler.desired.problems import Problems
from reconciler.desired.yaml_builder import Texts
from reconciler.desired.yaml_reader import Document, read_yaml
from reconciler.model import Origin


def read(content: str | bytes) -> Document:
    problems = Problems()
    document = read_yaml(content if isinstance(content, bytes) else content.encode(), "a.yaml", problems)
    assert problems.found == []
    assert document is not None
    return document


def refusals(content: str | bytes) -> list[str]:
    problems = Problems()
    read_yaml(content if isinstance(content, bytes) else content.encode(), "a.yaml", problems)
    return [str(problem) for problem in problems.found]


def refusal(content: str | bytes) -> str:
    return refusals(content)[-1]


BOOLEANS_OF_YAML_1_1 = ["no", "No", "NO", "on", "off", "y", "n", "yes"]
NUMBERS_OF_YAML_1_1 = [
    "1_000",
    "12:30:00",
    "190:20:30",
    "0123",
    "0x1F",
    "0b1",
    "1e3",
    "1.",
    ".5",
    ".inf",
    "-.inf",
    ".nan",
    "+1",
]
DATES_OF_YAML_1_1 = ["2026-01-01", "2026-01-01T10:00:00Z", "2026-01-01 10:00:00"]
NUMBERS_OF_PYTHON = [
    "0o17",
    "1.10",
    "-0",
    "nan",
    "-inf",
    "-infinity",
    "1" * 5000,
    "1e999",
    "1 000",
    "\N{ARABIC-INDIC DIGIT ONE}",
]
OTHER_WORDS = ["nULL", "none", "=", "+49 30 1234567"]


@pytest.mark.parametrize(
    "text", [*BOOLEANS_OF_YAML_1_1, *NUMBERS_OF_YAML_1_1, *DATES_OF_YAML_1_1, *NUMBERS_OF_PYTHON, *OTHER_WORDS]
)
def test_what_yaml_1_1_would_change_stays_the_text_that_was_written(text: str) -> None:
    assert read(f"key: {text}").value == {"key": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("true", True), ("false", False), ("null", None), ("~", None), ("", None)],
        *[("0", 0), ("-7", -7), ("1001", 1001), (str(10**30), 10**30)],
        *[("1.5", 1.5), ("-0.25", -0.25), ("0.0", 0.0), ("1e+16", 1e16)],
    ],
)
def test_only_plain_words_and_numbers_have_a_meaning(text: str, value: object) -> None:
    found = read(f"key: {text}").value["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("style", ['"{}"', "'{}'", "|-\n  {}", ">-\n  {}"])
@pytest.mark.parametrize("text", ["true", "null", "12", "1.5", "True", "~"])
def test_a_quoted_or_block_text_is_always_text(style: str, text: str) -> None:
    assert read("key: " + style.format(text)).value == {"key": text}


@pytest.mark.parametrize("key", ["yes", "true", "null", "1", "1.0", "~", "2026-01-01", "'<'"])
def test_keys_are_texts(key: str) -> None:
    assert list(read(f"{key}: x").value) == [key.strip("'")]


@pytest.mark.parametrize("content", ["", "\n", "# only a comment\n", "---\n", "---\n...\n", "\ufeff", "\ufeff# x"])
def test_a_file_may_hold_nothing(content: str) -> None:
    assert read(content).value is None


@pytest.mark.parametrize(
    "content", ["a: b", "---\na: b\n", "a: b\n...\n", "\ufeffa: b", "a: b\r\n", "%YAML 1.2\n---\na: b"]
)
def test_marks_around_the_one_document_change_nothing(content: str) -> None:
    assert read(content).value == {"a": "b"}


def test_an_alias_repeats_what_its_anchor_names() -> None:
    document = read("a: &x {k: [1, &y two]}\nb: *x\nc: [*x, *y]\nd: *y\n&z e: *z\n")
    whole = {"k": [1, "two"]}
    assert document.value == {"a": whole, "b": whole, "c": [whole, "two"], "d": "two", "e": "e"}


def test_an_anchor_may_be_named_again() -> None:
    assert read("[&x a, *x, &x b, *x]").value == ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    ("content", "merged"),
    [
        ("- &a {x: 1, y: 2}\n- {<<: *a, y: 3}", {"x": 1, "y": 3}),
        ("- &a {x: 1, y: 2}\n- {y: 3, <<: *a}", {"x": 1, "y": 3}),
        ("- [&a {x: 1}, &b {x: 2, y: 2}]\n- {<<: [*a, *b]}", {"x": 1, "y": 2}),
        ("- 0\n- {<<: {x: 1}, z: 2}", {"x": 1, "z": 2}),
        ("- &a {x: 1}\n- {<<: &b {<<: *a, y: 2}, z: *b}", {"x": 1, "y": 2, "z": {"x": 1, "y": 2}}),
    ],
)
def test_a_merge_key_adds_what_the_mapping_does_not_state(content: str, merged: object) -> None:
    assert read(content).value[1] == merged


PLACES = """\
# comment
users:
  - &first
    name: {givenName: Ädä, familyName: X}
    emails: [a,   b, {value: c}]
  - <<: *first
    emails: []
    title: x
  - *first
groups:
 - {x: 1}
"""


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ((), 2, 1),
        (("users",), 2, 1),
        (("users", 0), 3, 5),
        (("users", 0, "name", "familyName"), 4, 28),
        (("users", 0, "emails", 1), 5, 19),
        (("users", 0, "emails", 2, "value"), 5, 23),
        (("users", 1), 6, 5),
        (("users", 1, "title"), 8, 5),
        (("users", 1, "name", "givenName"), 4, 12),
        (("users", 1, "emails"), 7, 5),
        (("users", 2), 3, 5),
        (("groups", 0, "x"), 11, 5),
        (("groups", 0, "missing", "deeper"), 11, 4),
        (("users", 7), 2, 1),
        (("users", "x"), 2, 1),
    ],
)
def test_every_value_is_found_where_it_was_written(path: tuple[str | int, ...], line: int, column: int) -> None:
    assert read(PLACES).locate(*path) == Origin("a.yaml", line, column)


def test_the_places_of_the_items_of_a_list_are_known_however_it_was_written() -> None:
    noted = read("users: [a, {b: c}, [d]]")
    aliased = read("list: &x [a, {b: c}, [d]]\nusers: *x")
    assert [noted.places.at(offset) for offset in noted.offsets("users")] == [(1, 9), (1, 12), (1, 20)]
    assert [aliased.places.at(offset) for offset in aliased.offsets("users")] == [(1, 11), (1, 14), (1, 22)]


def test_a_merge_at_the_top_moves_the_places_of_what_follows() -> None:
    document = read("<<: {groups: [a]}\nusers: [b, {c: d}]\n")
    assert document.value == {"users": ["b", {"c": "d"}], "groups": ["a"]}
    assert [document.places.at(offset) for offset in document.offsets("users")] == [(2, 9), (2, 12)]
    assert [document.places.at(offset) for offset in document.offsets("groups")] == [(1, 15)]


def test_equal_texts_are_one_object() -> None:
    first, second = read("[{department: Platform A}, {department: Platform A}]").value
    assert first["department"] is second["department"]


@pytest.mark.parametrize(
    ("before", "opening"),
    [("", "["), ("", "- "), ("", "{a: "), ("", "[\n"), ("a: 1\na: ", "["), ("? ", "["), ("", "&x [")],
)
def test_endless_nesting_is_refused(before: str, opening: str) -> None:
    assert any(problem.endswith("more than 100 levels of nesting") for problem in refusals(before + opening * 100_000))


def test_nesting_counts_what_aliases_repeat() -> None:
    chain = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200))
    assert refusal(chain) == "a.yaml:100:12: error: more than 100 levels of nesting"


def test_the_deepest_nesting_that_is_allowed_is_read() -> None:
    depth = yaml_limits.MAX_DEPTH
    assert read("[" * depth + "]" * depth).locate(*[0] * depth).column == depth


def test_aliases_that_explode_are_refused() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    for known, new in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{new}: &{new} [{','.join([f'*{known}'] * 10)}]\n"
    message = "anchors and aliases repeat more than 1,000,000 values (write them out)"
    assert refusal(bomb) == f"a.yaml:6:26: error: {message}"


def test_a_file_that_is_too_large_is_refused() -> None:
    assert refusal(b"#" * (yaml_limits.MAX_BYTES + 1)).endswith("at most 67,108,864 are read (split it)")


def test_a_file_of_too_many_values_is_refused() -> None:
    problems = Problems()
    assert read_yaml(b"[" + b"a," * 150_000 + b"]", "a.yaml", problems, max_nodes=1_000) is None
    [problem] = problems.found
    assert problem.message == "the file holds more than 1,000 values"


def test_texts_that_do_not_repeat_are_not_kept_for_ever() -> None:
    texts = Texts()
    data = "\n".join(f"- {{'key{number}': 'text {number}', plain: word{number}}}" for number in range(70_000))
    read_yaml(data.encode(), "a.yaml", Problems(), texts)
    assert len(texts.plain) + len(texts.quoted) + len(texts.keys) < 70_000


def test_what_follows_a_duplicate_key_is_still_read() -> None:
    problems = Problems()
    document = read_yaml(b"a: 1\na: {deep: [&x y, {z: 1}]}\nb: *x\nc: 2\n", "a.yaml", problems)
    assert document is not None
    assert [str(problem) for problem in problems.found] == [
        "a.yaml:2:1: error: the key 'a' is here twice; it was first written at 1:1"
    ]
    assert document.value == {"a": 1, "b": None, "c": 2}
    assert document.locate("c").line == 4


@settings(deadline=None)
@given(st.text())
def test_any_text_that_was_dumped_comes_back_equal(text: str) -> None:
    assert read(yaml.safe_dump({"key": text})).value == {"key": text}


# Of these line breaks PyYAML's emitter writes one where the fold of a quoted text would need two.
@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="\x85\u2028\u2029", exclude_categories=["Cs"])))
def test_any_text_that_was_dumped_without_escapes_comes_back_equal(text: str) -> None:
    assert read(yaml.safe_dump({"key": text}, allow_unicode=True)).value == {"key": text}


# "<<" is a merge key, quoted or not.
KEYS = st.text(min_size=1).filter(lambda key: key != "<<")
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)


@settings(deadline=None)
@given(VALUES, st.booleans())
def test_any_value_that_was_dumped_comes_back_equal_and_every_part_has_a_place(value: Any, flow: bool) -> None:
    document = read(yaml.safe_dump(value, default_flow_style=flow, sort_keys=False))
    assert document.value == value

    def visit(part: Any, path: tuple[str | int, ...]) -> None:
        assert document.locate(*path).line >= 1
        for step, inner in (
            part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        ):
            visit(inner, (*path, step))

    visit(value, ())


@settings(deadline=None)
@given(
    st.text(alphabet=string.ascii_lowercase[:3] + "<&*!|>%@`'\"#?:-,[]{}\\ \t\n", max_size=60) | st.binary(max_size=60)
)
def test_whatever_a_file_holds_it_is_read_or_refused_with_a_place(content: str | bytes) -> None:
    problems = Problems()
    document = read_yaml(content if isinstance(content, bytes) else content.encode(), "a.yaml", problems)
    assert document is not None or problems.found
    assert all(problem.origin is not None and problem.origin.line >= 1 for problem in problems.found)
