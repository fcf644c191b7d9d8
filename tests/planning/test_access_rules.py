"""A membership that a filter gives, or gave, names the filter."""

from __future__ import annotations

from desired_and_live import PAST, group, live, live_group, live_user, member, nested, planned, user
from reconciler.planning import Plan

MATCH = 'title eq "Lead"'
LEAD, OTHER = user("ada@example.com", title="Lead"), user("bob@example.com", title="Other")
ADA, BOB, CYD = (live_user(f"u-{name}", f"{name}@example.com") for name in ("ada", "bob", "cyd"))
PEOPLE = [user("ada@example.com"), user("bob@example.com"), user("cyd@example.com")]


def rules(made: Plan) -> dict[str, str | None]:
    return {f"{step.name} {edge.name}": edge.rule for step in made.steps for edge in step.members}


def test_who_comes_in_and_who_goes_out_by_it() -> None:
    made = planned(
        [LEAD, OTHER, group("leads", match=MATCH)],
        live(ADA, BOB, live_group("g1", "leads", ["u-bob"])),
    )
    assert rules(made) == {"leads ada@example.com": MATCH, "leads bob@example.com": MATCH}


def test_what_a_list_states_has_none() -> None:
    listed = [group("leads", ["bob@example.com"], match=MATCH)]
    made = planned([LEAD, OTHER, *listed], live(ADA, BOB, CYD, live_group("g1", "leads", ["u-cyd"])))
    assert rules(made) == {
        "leads ada@example.com": MATCH,
        "leads bob@example.com": None,
        "leads cyd@example.com": None,
    }


def test_a_nested_membership_names_the_filter_of_the_group_that_gives_it() -> None:
    inner, outer = group("leads", match=MATCH), group("all", [nested("leads"), "bob@example.com"])
    groups = [live_group("g1", "leads", ["u-ada"]), live_group("g2", "all")]
    made = planned([LEAD, OTHER, inner, outer], live(ADA, BOB, *groups, nested_groups=False))
    assert rules(made) == {"all ada@example.com": MATCH, "all bob@example.com": None}


def test_who_is_out_because_his_time_is_over_names_the_filter_that_had_given_the_place() -> None:
    listed = [user("ada@example.com", title="Lead", until=PAST), group("leads", match=MATCH)]
    made = planned(listed, live(ADA, live_group("g1", "leads", ["u-ada"])))
    assert rules(made) == {"leads ada@example.com": MATCH}


def test_who_is_out_because_the_time_of_his_line_is_over_names_none() -> None:
    listed = [*PEOPLE, group("leads", [member("ada@example.com", until=PAST)], match=MATCH)]
    made = planned(listed, live(ADA, live_group("g1", "leads", ["u-ada"])))
    assert rules(made) == {"leads ada@example.com": None}
