"""Changes that the directory did not keep when they were written: told, and not planned for ever."""

from __future__ import annotations

from typing import Any

import pytest

from desired_and_live import (
    AS_OF,
    changes,
    desired,
    group,
    live,
    live_group,
    live_user,
    only_step,
    planned,
    step_ids,
    user,
    warnings,
)
from reconciler.attributes import ENTERPRISE_USER
from reconciler.model import History, Kind, Observation
from reconciler.planning import encode, plan

TITLE = " Principal  Engineer"
KEPT = "Principal Engineer"


def seen(resource_id: str, path: str, wrote: Any, stored: Any, **more: Any) -> Observation:
    return Observation(**{"kind": Kind.USER, "id": resource_id, "path": path, "wrote": wrote, "stored": stored, **more})


def people(count: int, **attributes: Any) -> list[Any]:
    return [live_user(f"u{number}", f"p{number:02}@example.com", **attributes) for number in range(count)]


def listed(count: int, **attributes: Any) -> list[Any]:
    return [user(f"p{number:02}@example.com", **attributes) for number in range(count)]


class TestNotPlannedAgain:
    def test_the_next_plan_is_empty_and_says_why_once_for_the_attribute(self) -> None:
        made = planned(
            listed(13, title=TITLE),
            people(13, title=KEPT),
            observations=[seen(f"u{number}", "title", TITLE, KEPT) for number in range(13)],
        )
        assert made.steps == ()
        [message] = warnings(made)["not-kept"]
        assert message == (
            f'the directory stores title "{TITLE}" as "{KEPT}" (user:p00@example.com, and so for 12 other users): '
            f'stop managing it or write "{KEPT}". It is not written again'
        )

    @pytest.mark.parametrize(
        ("wanted", "found", "again"),
        [
            (TITLE, KEPT, False),
            ("Director", KEPT, True),
            (TITLE, "Director", True),
            (TITLE, None, True),
        ],
        ids=["the same", "the files changed", "the directory changed", "it was unset"],
    )
    def test_it_is_planned_again_as_soon_as_either_side_changes(self, wanted: str, found: Any, again: bool) -> None:
        state = people(1, **({"title": found} if found else {}))
        made = planned(listed(1, title=wanted), state, observations=[seen("u0", "title", TITLE, KEPT)])
        assert bool(made.steps) is again

    @pytest.mark.parametrize(
        ("path", "stated", "found", "wrote", "stored"),
        [
            ("timezone", {"timezone": "Europe/Berlin"}, {}, "Europe/Berlin", None),
            ("title", {"title": None}, {"title": "Boss"}, None, "Boss"),
            ("name.givenName", {"name": {"givenName": "Ada"}}, {"name": {"givenName": "ADA L."}}, "Ada", "ADA L."),
            (
                f"{ENTERPRISE_USER}:department",
                {ENTERPRISE_USER: {"department": "X-1"}},
                {ENTERPRISE_USER: {"department": "X1"}},
                "X-1",
                "X1",
            ),
            (
                "emails",
                {"emails": [{"value": "a@example.com", "type": "home"}]},
                {"emails": [{"value": "a@example.com", "primary": True, "display": "a"}]},
                [{"value": "a@example.com", "type": "home"}],
                [{"value": "a@example.com", "primary": True, "display": "a"}],
            ),
        ],
        ids=["dropped", "not unset", "part of a complex one", "extension", "multi-valued"],
    )
    def test_it_holds_for_every_sort_of_attribute(
        self, path: str, stated: dict[str, Any], found: dict[str, Any], wrote: Any, stored: Any
    ) -> None:
        assert step_ids(planned(listed(1, **stated), people(1, **found))) == ["update user:p00@example.com"]
        made = planned(listed(1, **stated), people(1, **found), observations=[seen("u0", path, wrote, stored)])
        assert made.steps == ()
        assert path in warnings(made)["not-kept"][0]

    def test_other_attributes_of_the_same_resource_are_written(self) -> None:
        made = planned(
            listed(1, title=TITLE, nickName="Ada"),
            people(1, title=KEPT),
            observations=[seen("u0", "title", TITLE, KEPT)],
        )
        assert set(changes(only_step(made))) == {"nickName"}

    def test_only_the_last_observation_counts(self) -> None:
        observations = [seen("u0", "title", TITLE, KEPT), seen("u0", "title", "Director", "DIR")]
        assert planned(listed(1, title=TITLE), people(1, title=KEPT), observations=observations).steps

    def test_groups_are_remembered_apart_from_users(self) -> None:
        state = [live_group("u0", "team", externalId="1")]
        stated = [group("team", externalId=" 1 ")]
        assert planned(stated, state, observations=[seen("u0", "externalId", " 1 ", "1")]).steps
        memory = [seen("u0", "externalId", " 1 ", "1", kind=Kind.GROUP)]
        assert planned(stated, state, observations=memory).steps == ()

    @pytest.mark.parametrize("active", [True, False])
    def test_whether_an_account_works_is_planned_whatever_came_of_it(self, active: bool) -> None:
        state = [live_user("u0", "p00@example.com", active=not active)]
        memory = [seen("u0", "active", active, not active)]
        assert len(planned(listed(1, active=active), state, observations=memory).steps) == 1


class TestAccidents:
    """A write that changed nothing may be a fault of the moment: it is tried twice."""

    IGNORED = seen("u0", "title", "Boss", "Engineer", unchanged=True)

    def test_it_is_written_once_more_and_the_plan_says_so(self) -> None:
        made = planned(listed(1, title="Boss"), people(1, title="Engineer"), observations=[self.IGNORED])
        assert step_ids(made) == ["update user:p00@example.com"]
        [message] = warnings(made)["not-kept-before"]
        assert message == (
            'when it was last written, the directory kept title "Engineer" and not "Boss" (user:p00@example.com). '
            "It is written once more"
        )

    def test_the_second_time_tells(self) -> None:
        made = planned(listed(1, title="Boss"), people(1, title="Engineer"), observations=[self.IGNORED] * 2)
        assert made.steps == ()
        assert "not-kept" in warnings(made)

    def test_something_else_between_begins_the_count_again(self) -> None:
        other = seen("u0", "title", "Director", "Engineer", unchanged=True)
        memory = [self.IGNORED, other, self.IGNORED]
        assert planned(listed(1, title="Boss"), people(1, title="Engineer"), observations=memory).steps


class TestUndone:
    """What was kept each time and is different again: two attributes or two people that overwrite each other."""

    KEPT = seen("u0", "displayName", "Ada", "Ada")

    @pytest.mark.parametrize(("times", "told"), [(1, False), (2, True), (3, True)])
    def test_it_is_named_from_the_third_time_on_and_planned(self, times: int, told: bool) -> None:
        made = planned(
            listed(1, displayName="Ada"), people(1, displayName="Countess"), observations=[self.KEPT] * times
        )
        assert step_ids(made) == ["update user:p00@example.com"]
        assert ("not-kept-before" in warnings(made)) is told
        if told:
            [message] = warnings(made)["not-kept-before"]
            assert message == (
                'displayName "Ada" was written and kept 2 times or more (user:p00@example.com), and is "Countess" '
                "again: another attribute that is managed overwrites it, or somebody else does. It is written again"
            )

    def test_another_value_is_another_matter(self) -> None:
        stated = listed(1, displayName="Grace")
        made = planned(stated, people(1, displayName="Countess"), observations=[self.KEPT] * 3)
        assert warnings(made) == {}

    def test_that_others_kept_a_value_is_nothing_to_tell(self) -> None:
        memory = [seen("u1", "displayName", "Ada", "Ada")]
        state = [*people(1), live_user("u1", "other@example.com", displayName="Ada")]
        assert warnings(planned(listed(1, displayName="Ada"), state, observations=memory)) == {}


class TestPatterns:
    """What happened to others is named, and tried all the same."""

    def test_an_attribute_that_nobody_kept_is_called_dropped(self) -> None:
        memory = [seen(f"u{number}", "timezone", "UTC", None) for number in range(40)]
        made = planned(listed(43, timezone="UTC"), people(43), observations=memory)
        assert len(made.steps) == 3
        [message] = warnings(made)["not-kept-before"]
        assert message == (
            "the directory drops timezone: 40 users were written and none kept it. It is written to "
            "user:p40@example.com, and so for 2 other users"
        )

    def test_it_is_named_for_creations_too(self) -> None:
        memory = [seen(f"u{number}", "timezone", "UTC", None) for number in range(2)]
        made = planned([user("new@example.com", timezone="UTC")], people(2), observations=memory)
        assert step_ids(made) == ["create user:new@example.com"]
        assert "the directory drops timezone" in warnings(made)["not-kept-before"][0]

    @pytest.mark.parametrize(
        "holder",
        [live_user("u9", "other@example.com", timezone="UTC"), live_user("u0", "p00@example.com", timezone="UTC")],
        ids=["somebody else has it", "it was kept later"],
    )
    def test_an_attribute_that_somebody_has_is_not_called_dropped(self, holder: Any) -> None:
        memory = [seen(f"u{number}", "timezone", "UTC", None) for number in range(2)]
        state = {one.id: one for one in (*people(3), holder)}
        made = planned(listed(3, timezone="UTC"), [*state.values()], observations=memory)
        assert not any("drops" in message for message in warnings(made).get("not-kept-before", []))

    def test_a_value_that_was_rewritten_for_others_is_named(self) -> None:
        made = planned(listed(2, title=TITLE), people(2, title=KEPT), observations=[seen("u0", "title", TITLE, KEPT)])
        assert step_ids(made) == ["update user:p01@example.com"]
        [message] = warnings(made)["not-kept-before"]
        assert message == (
            f'for others the directory stores title "{TITLE}" as "{KEPT}". It is written to user:p01@example.com'
        )

    def test_unsetting_what_others_did_not_keep_is_nothing_to_name(self) -> None:
        memory = [seen("u0", "title", "x", None), seen("u1", "title", "x", None)]
        made = planned(listed(3, title=None), people(3, title="y"), observations=memory)
        assert warnings(made) == {}

    def test_what_is_gone_from_the_directory_tells_nothing(self) -> None:
        memory = [seen(f"gone{number}", "timezone", "UTC", None) for number in range(2)]
        assert warnings(planned(listed(1, timezone="UTC"), people(1), observations=memory)) == {}


@pytest.mark.parametrize(
    ("wanted", "found", "told"),
    [
        (TITLE, KEPT, "white space"),
        ("ÉCOLE", "école", "letter case"),
        ("\ufb01ne", "fine", "Unicode form"),
        (" STRA\u00dfE ", "strasse", "white space, letter case and Unicode form"),
        ("Boss", "Engineer", None),
    ],
)
def test_a_difference_that_directories_make_by_themselves_is_explained(wanted: str, found: str, told: Any) -> None:
    step = only_step(planned(listed(1, externalId=wanted), people(1, externalId=found)))
    [change] = [one for one in step.changes if one.path == "externalId"]
    assert [phrase.startswith(f"! differs in {told} only") for phrase in change.details] == ([True] if told else [])


def test_long_values_are_cut_in_the_warning() -> None:
    made = planned(listed(1, title="x" * 500), people(1, title="y"), observations=[seen("u0", "title", "x" * 500, "y")])
    assert len(warnings(made)["not-kept"][0]) < 300


def test_the_same_memory_gives_the_same_bytes() -> None:
    wanted = desired(*listed(3, title=TITLE))
    memory = [seen(f"u{number}", "title", TITLE, KEPT) for number in range(2)]
    state = live(*people(3, title=KEPT))
    one, other = (plan(wanted, state, as_of=AS_OF, history=History(observations=tuple(memory))) for _ in range(2))
    assert encode(one) == encode(other)
