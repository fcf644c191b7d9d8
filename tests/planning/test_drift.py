"""Drift is told from what is pending, attribute by attribute and membership by membership."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from desired_and_live import AS_OF, FUTURE, desired, group, live, live_group, live_user, member, policy, user
from random_states import States, states
from reconciler.attributes import fold
from reconciler.config import Unlisted
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import Desired, Live
from reconciler.planning import Action, Plan, plan
from reconciler.planning.drift import Drift, Item, Sort, find_drift
from simulated_directory import SimulatedDirectory
from thoroughness import cases

DAY = timedelta(days=1)


def drift_of(
    last: Desired | None,
    now: Desired,
    found: Live,
    *,
    unapplied: Collection[str] = (),
    accepted: Mapping[str, str] | None = None,
) -> Drift:
    return find_drift(
        last=last,
        last_as_of=AS_OF if last else None,
        last_run="run-1" if last else None,
        desired=now,
        live=found,
        as_of=AS_OF + DAY,
        unapplied=unapplied,
        accepted=accepted,
    )


def told(drift: Drift) -> dict[str, Sort]:
    return {item.key: item.sort for item in drift.items}


ADA = user("ada@example.com", title="Engineer")


def test_a_directory_as_it_was_left_has_no_drift() -> None:
    state = desired(ADA)
    drift = drift_of(state, state, live(live_user("u1", "ada@example.com", title="Engineer")))
    assert drift.items == ()
    assert drift.summary == "No drift. The directory is as the last run left it."


def test_an_attribute_that_somebody_changed_is_drift() -> None:
    state = desired(ADA)
    [item] = drift_of(state, state, live(live_user("u1", "ada@example.com", title="Boss"))).items
    assert (item.sort, item.path, item.live, item.left) == (Sort.DRIFT, "title", "Boss", "Engineer")


def test_an_attribute_that_the_files_changed_is_pending() -> None:
    now = desired(user("ada@example.com", title="Boss"))
    drift = drift_of(desired(ADA), now, live(live_user("u1", "ada@example.com", title="Engineer")))
    assert told(drift) == {"user:ada@example.com title": Sort.PENDING}
    assert drift.summary == "Drift: 0 changed in the directory, 1 pending from the files, 0 accepted."


def test_what_both_changed_to_different_values_counts_on_both_sides() -> None:
    now = desired(user("ada@example.com", title="Boss"))
    drift = drift_of(desired(ADA), now, live(live_user("u1", "ada@example.com", title="Intern")))
    [item] = drift.items
    assert (item.sort, item.left, item.live, item.wanted) == (Sort.BOTH, "Engineer", "Intern", "Boss")
    assert drift.summary == "Drift: 1 changed in the directory, 1 pending from the files, 0 accepted."


def test_a_change_that_the_files_accept_now_is_adopted() -> None:
    now = desired(user("ada@example.com", title="Boss"))
    drift = drift_of(desired(ADA), now, live(live_user("u1", "ada@example.com", title="Boss")))
    assert drift.items == ()
    assert [item.key for item in drift.adopted] == ["user:ada@example.com title"]


def test_somebody_made_by_hand_is_drift_and_somebody_whose_line_went_is_pending() -> None:
    rules = policy(Unlisted.DEACTIVATE)
    last = desired(ADA, user("grace@example.com"), rules=rules)
    now = desired(ADA, rules=rules)
    found = live(
        live_user("u1", "ada@example.com", title="Engineer"),
        live_user("u2", "grace@example.com"),
        live_user("u3", "eve@example.com"),
    )
    assert told(drift_of(last, now, found)) == {
        "user:eve@example.com (resource)": Sort.DRIFT,
        "user:grace@example.com (resource)": Sort.PENDING,
    }


def test_a_stricter_rule_for_unlisted_users_is_a_change_of_the_files() -> None:
    found = live(live_user("u3", "eve@example.com"))
    last, now = desired(rules=policy(Unlisted.IGNORE)), desired(rules=policy(Unlisted.DEACTIVATE))
    assert set(told(drift_of(last, now, found)).values()) == {Sort.PENDING}


def test_each_membership_has_its_own_sort() -> None:
    ann, bob, cyd = (user(f"{name}@example.com") for name in ("ann", "bob", "cyd"))
    last = desired(ann, bob, cyd, group("team-a", ["ann@example.com", "bob@example.com"]))
    now = desired(ann, bob, cyd, group("team-a", ["ann@example.com", "bob@example.com", "cyd@example.com"]))
    users = [live_user(f"u-{name}", f"{name}@example.com") for name in ("ann", "bob", "cyd", "eve")]
    found = live(*users, live_group("g1", "team-a", ["u-ann", "u-eve"]))
    assert told(drift_of(last, now, found)) == {
        "group:team-a members user:bob@example.com": Sort.DRIFT,
        "group:team-a members user:cyd@example.com": Sort.PENDING,
        "group:team-a members user:eve@example.com": Sort.DRIFT,
    }


def test_a_date_that_has_passed_since_is_pending() -> None:
    state = desired(ADA, group("team-a", [member("ada@example.com", until=AS_OF + DAY / 2)]))
    found = live(live_user("u1", "ada@example.com", title="Engineer"), live_group("g1", "team-a", ["u1"]))
    assert set(told(drift_of(state, state, found)).values()) == {Sort.PENDING}


def test_what_the_last_run_did_not_get_to_is_pending() -> None:
    state = desired(ADA)
    found = live(live_user("u1", "ada@example.com", title="Boss"))
    drift = drift_of(state, state, found, unapplied=["update user:ada@example.com"])
    assert set(told(drift).values()) == {Sort.PENDING}


def test_a_batch_that_was_not_applied_is_pending_however_batches_are_cut_now() -> None:
    users = [user(f"{name}@example.com") for name in ("ann", "bob")]
    state = desired(*users, group("team-a", ["ann@example.com", "bob@example.com"]))
    found = live(
        live_user("u1", "ann@example.com"), live_user("u2", "bob@example.com"), live_group("g1", "team-a", ["u1"])
    )
    drift = drift_of(state, state, found, unapplied=["add_members group:team-a 2/3"])
    assert set(told(drift).values()) == {Sort.PENDING}


def test_without_a_run_nobody_can_tell_who_changed_what() -> None:
    drift = drift_of(None, desired(ADA), live(live_user("u1", "ada@example.com", title="Boss")))
    assert set(told(drift).values()) == {Sort.UNKNOWN}
    assert drift.summary == "Differences: 1 of unknown origin, 0 accepted."


def test_a_directory_that_became_ambiguous_is_told_and_not_guessed_about() -> None:
    last = desired(user("ada@example.com", externalId="1", title="Engineer"))
    now = desired(user("ada@example.com", id="u1", title="Engineer"))
    found = live(
        live_user("u1", "ada@example.com", externalId="1", title="Boss"),
        live_user("u2", "other@example.com", externalId="1"),
    )
    drift = drift_of(last, now, found)
    assert set(told(drift).values()) == {Sort.UNKNOWN}
    assert [note.code for note in drift.notes] == ["origin-unknown"]


def test_accepted_drift_is_hidden_until_it_changes_again() -> None:
    state = desired(ADA)
    boss, intern = (live(live_user("u1", "ada@example.com", title=title)) for title in ("Boss", "Intern"))
    [item] = drift_of(state, state, boss).items
    baseline = {item.key: item.value}
    hidden = drift_of(state, state, boss, accepted=baseline)
    assert (hidden.items, len(hidden.accepted)) == ((), 1)
    assert hidden.summary == "Drift: 0 changed in the directory, 0 pending from the files, 1 accepted."
    assert len(drift_of(state, state, intern, accepted=baseline).items) == 1


def test_of_what_both_changed_the_files_share_stays_when_the_drift_is_accepted() -> None:
    now = desired(user("ada@example.com", title="Boss"))
    found = live(live_user("u1", "ada@example.com", title="Intern"))
    [item] = drift_of(desired(ADA), now, found).items
    accepted = drift_of(desired(ADA), now, found, accepted={item.key: item.value})
    assert told(accepted) == {item.key: Sort.PENDING}


def test_an_account_made_again_by_hand_is_not_the_one_that_was_accepted() -> None:
    state = desired(rules=policy(Unlisted.DEACTIVATE))
    [item] = drift_of(state, state, live(live_user("u3", "eve@example.com"))).items
    baseline = {item.key: item.value}
    assert drift_of(state, state, live(live_user("u4", "eve@example.com")), accepted=baseline).accepted == ()


def test_guards_do_not_stand_in_the_way_of_looking() -> None:
    rules = policy(Unlisted.DELETE, protection=policy().protection)
    state = desired(rules=rules)
    found = live(*(live_user(f"u{number}", f"u{number}@example.com") for number in range(50)))
    assert len(drift_of(state, state, found).items) == 50


law = settings(max_examples=cases(25, thorough=100), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def meddled(draw: st.DrawFn, found: Live) -> Live:
    """The directory after somebody has changed, made and deleted things by hand."""
    users = []
    for one in found.users:
        if draw(st.integers(0, 5)) == 0:
            continue
        by_hand = {"title": draw(st.sampled_from("abc"))} if draw(st.booleans()) else {}
        users.append(replace(one, attributes={**one.attributes, **by_hand}))
    users += [live_user("u-eve", "eve@example.com")] if draw(st.booleans()) else []
    ids = {*(one.id for one in users), *(one.id for one in found.groups)}
    groups = []
    for held in found.groups:
        chosen = draw(st.sets(st.sampled_from(sorted(ids)))) if draw(st.booleans()) else {*(held.members or ())}
        members = None if held.members is None else tuple(sorted(chosen & ids - {held.id}))
        groups.append(replace(held, members=members))
    return replace(found, users=tuple(users), groups=tuple(groups))


def edited(draw: st.DrawFn, last: Desired) -> Desired:
    """The files after somebody has changed titles, and has struck users that no group names."""
    named = {fold(entry.name) for one in last.groups for entry in one.members or ()}
    users = []
    for one in last.users:
        if fold(one.name) not in named and draw(st.integers(0, 3)) == 0:
            continue
        title = {"title": draw(st.sampled_from("abc"))} if draw(st.booleans()) else {}
        users.append(replace(one, attributes={**one.attributes, **title}))
    return replace(last, users=tuple(users))


@st.composite
def drifted(draw: st.DrawFn) -> tuple[Desired, States]:
    """What was applied, and files and a directory that may both have moved on since."""
    given_states = draw(states())
    last, found = given_states.desired, given_states.live
    try:
        found = SimulatedDirectory(found).apply(plan(last, found, as_of=AS_OF))
    except DiagnosticsError:
        # The more lines there are, the more contradict each other: fewer of them say more of drift.
        last = desired(*(replace(one, id=None) for one in last.users[:1]), rules=last.config.policy)
    return last, States(edited(draw, last), meddled(draw, found))


def differences(made: Plan) -> list[tuple[Any, ...]]:
    """Everything that a plan changes, told without the help of what is tested."""
    found: list[tuple[Any, ...]] = []
    for step in made.steps:
        single = step.action in (Action.CREATE, Action.DELETE, Action.DEACTIVATE)
        parts = [None] if single else [*(edge.address for edge in step.members), *(one.path for one in step.changes)]
        found += [(step.kind, step.name, step.resource_id, part) for part in parts]
    return found


def named(item: Item) -> tuple[Any, ...]:
    return (item.kind, item.name, item.resource_id, item.member or item.path)


@given(drifted())
@law
def test_drift_and_pending_together_are_what_an_apply_would_change(given_states: tuple[Desired, States]) -> None:
    last, now = given_states
    try:
        made = plan(now.desired, now.live, as_of=AS_OF + DAY)
    except DiagnosticsError:
        return
    drift = drift_of(last, now.desired, now.live)
    assert [named(item) for item in drift.items] == differences(made)
    assert len({item.key for item in drift.items}) == len(drift.items)
    for sort in {item.sort for item in drift.items}:
        event(sort)


@given(drifted(), st.data())
@law
def test_accepting_hides_exactly_what_is_accepted(given_states: tuple[Desired, States], data: st.DataObject) -> None:
    last, now = given_states
    try:
        drift = drift_of(last, now.desired, now.live)
    except DiagnosticsError:
        return
    changed = drift.of(Sort.DRIFT, Sort.UNKNOWN)
    chosen = data.draw(st.sets(st.sampled_from([item.key for item in changed]))) if changed else set[str]()
    baseline = {item.key: item.value for item in changed if item.key in chosen}
    after = drift_of(last, now.desired, now.live, accepted=baseline)
    assert after.items == tuple(item for item in drift.items if item.key not in chosen)
    assert {item.key for item in after.accepted} == chosen


@given(states())
@law
def test_right_after_a_run_nothing_is_drift(given_states: States) -> None:
    try:
        made = plan(given_states.desired, given_states.live, as_of=AS_OF)
    except DiagnosticsError:
        return
    after = SimulatedDirectory(given_states.live).apply(made)
    again = plan(given_states.desired, after, as_of=AS_OF)
    unapplied = [step.id for step in again.steps]
    assert drift_of(given_states.desired, given_states.desired, after, unapplied=unapplied).of(Sort.DRIFT) == ()


def test_the_future_is_not_judged_by_the_present() -> None:
    state = desired(user("ada@example.com", until=FUTURE))
    assert drift_of(state, state, live(live_user("u1", "ada@example.com"))).items == ()
