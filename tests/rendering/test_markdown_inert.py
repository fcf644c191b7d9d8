"""Foreign text in Markdown: what a code host shows is what the text says, and nothing comes to life."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foreign_plans import ATTACKS, HOSTILE
from markdown_pages import MEANINGFUL, shown
from reconciler.rendering.escape import quoted, safe
from reconciler.rendering.markdown.inert import code, link, prose
from thoroughness import cases

MARKUP = [
    *(attack for attack in ATTACKS if len(attack) < 100),
    HOSTILE,
    "@team @org/team !1 #1 $1 %1 &1 ~bug ^alert#1 [work_item:1] GH-1 example/repo#1 OPS-77",
    "4f2c1e9b7a6d5c4b3a29180716253443526170ff deadbeef effaced",
    "https://example.com www.example.com ada@example.com mailto:ada@example.com xmpp:ada@example.com",
    "1. first 1) first",
    "- [x] done + * item",
    "---\ntitle: x\n---",
    "| a | b |\n|---|---|",
    "[^1]: footnote [^1] ![](x) [a]: https://example.com",
    "$`x`$ $$x$$ ```mermaid``` ```math",
    ":smile: (:+1:)",
    "`", "``", "` ", " `", "`a`", "a`", "\\`", "\\|", "|", "\\\\|", "``` ```", "`" * 40, "a" + "`" * 9 + "b",
    " both ends ", "", " ", "  two  spaces  ",
    "/close", "/label ~x", "&copy; &#64;team &lt;b&gt;", "<!-- -->", "</code></details>", "<a@example.com>",
]  # fmt: skip
foreign = st.sampled_from(MARKUP) | st.text(max_size=60) | st.text(alphabet="`|\\ <>@#&;:/[]()*_~!-.1aA\n", max_size=40)


def as_seen(text: str) -> str:
    """A name as a reader is to see it: visible, and in quotes where its ends could not be seen."""
    return quoted(text) if text != text.strip() or not text else safe(text)


@settings(max_examples=cases(60, thorough=5_000))
@given(foreign)
def test_a_name_is_shown_as_it_is_in_text_and_in_a_table(name: str) -> None:
    expected = re.sub("`{9,}", lambda run: "\\x60" * len(run[0]), as_seen(name))
    page = shown(f"- name {code(name)} end")
    assert page.codes == [expected]
    assert page.tags == ["ul", "li", "code"]
    table = shown(f"| a | b |\n| --- | --- |\n| {code(name, cell=True)} | end |")
    assert table.codes == [expected]
    assert table.cells == [2, 2]


@settings(max_examples=cases(120, thorough=10_000))
@given(foreign)
def test_a_sentence_keeps_its_words_and_means_nothing_to_a_code_host(sentence: str) -> None:
    page = shown(f"- {prose(sentence)}")
    assert set(page.tags) <= {"ul", "li", "code", "p"}
    assert page.tags.count("ul") == 1
    assert MEANINGFUL.search(page.text) is None
    if "`" not in sentence and sentence.strip():
        assert [*prose(sentence).replace("`", "").split()] == [*safe(sentence).split()]


@pytest.mark.parametrize(
    ("sentence", "written"),
    [
        ("left alone: 3 users outside the scope", "left alone: 3 users outside the scope"),
        ("who is in group:team-x, or was", "who is in `group:team-x`, or was"),
        ('replaces "Sales (EMEA)", found by externalId', 'replaces `"Sales (EMEA)"`, found by externalId'),
        ("expired: its `until` has passed", "expired: its `until` has passed"),
        ("5 % of 400 = 20", "5 % of 400 = 20"),
        ("1. of May", "`1`. of May"),
        ('users[department eq "Platform"], group:team-core', '`users[department eq "Platform"]`, `group:team-core`'),
        ("user:ada (seen on 2026-11-22 06:30 UTC)", "`user:ada` (seen on 2026-11-22 06:30 UTC)"),
        ("via team-core → Ops/2", "via team-core → `Ops/2`"),
    ],
)
def test_sentences_read_as_sentences(sentence: str, written: str) -> None:
    assert prose(sentence) == written


@pytest.mark.parametrize("length", [161, 10_000, 1_000_000])
def test_a_long_name_is_cut_in_the_middle(length: int) -> None:
    written = code("a" + "n" * (length - 2) + "z")
    assert len(written) == 162
    assert written.startswith("`an")
    assert written.endswith("nz`")


@pytest.mark.parametrize(
    ("url", "href"),
    [
        ("https://ci.example.com/a?b=1&copy;=2", "https://ci.example.com/a?b=1&copy;=2"),
        ("https://ci.example.com/a b(c)_d_<e>", "https://ci.example.com/a%20b%28c%29_d_%3Ce%3E"),
        ("http://ci.example.com/[x](y)", "http://ci.example.com/%5Bx%5D%28y%29"),
    ],
)
def test_a_link_leads_where_it_says(url: str, href: str) -> None:
    written = link("the plan", url)
    assert written is not None
    assert shown(written).links == [href]


@pytest.mark.parametrize(
    "url",
    ["", "plan.json", "javascript:alert(1)", "https://", "https://[", "https://x.example.com/" + "a" * 400, "\ud800"],
)
def test_what_is_no_address_for_a_browser_is_no_link(url: str) -> None:
    assert link("the plan", url) is None
