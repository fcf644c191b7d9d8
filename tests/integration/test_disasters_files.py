"""docs/safety.md, wrong commits: what the files say is not what anybody meant."""

from __future__ import annotations

from disasters import APPLY, Case, Resource, names, people, teams, user


def without_members() -> list[Resource]:
    return [{"displayName": team["displayName"]} for team in teams()]


def as_text(users: list[Resource]) -> str:
    return "users:\n" + "".join(f"  - userName: {one['userName']}\n    title: {one['title']}\n" for one in users)


# Files that are empty, cut or wrong as a whole


def test_an_empty_users_file(case: Case) -> None:
    case.state(groups=without_members())
    case.write("people.yaml", "")
    case.stops()


def test_an_empty_list_of_users_after_a_merge(case: Case) -> None:
    case.state(users=[], groups=without_members())
    case.stops("plan")


def test_an_empty_groups_file(case: Case) -> None:
    case.state(groups=[])
    case.stops()


def test_all_files_but_directory_yaml_are_gone(case: Case) -> None:
    for name in ("people.yaml", "teams.yaml"):
        (case.path / name).unlink()
    case.stops()


def test_files_that_list_nobody_although_nothing_would_be_taken_yet(case: Case) -> None:
    case.done(*APPLY)
    case.state(users=[], groups=without_members(), unlisted={"users": "ignore", "groups": "ignore"})
    case.stops()


def test_a_deleted_folder(case: Case) -> None:
    (case.path / "north").mkdir()
    case.write("north/people.yaml", {"users": people()[:30]})
    case.write("people.yaml", {"users": people()[30:]})
    case.write("teams.yaml", {"groups": without_members()})
    case.done("plan")
    (case.path / "north" / "people.yaml").unlink()
    case.stops()


def test_a_file_that_was_cut_in_the_middle(case: Case) -> None:
    text = as_text(people())
    case.write("people.yaml", text[: text.index("title", len(text) // 2)] + "titl")
    case.stops()


def test_a_file_with_the_marks_of_a_merge_conflict(case: Case) -> None:
    case.write("people.yaml", as_text(people()).replace("  - userName: u07", "<<<<<<< HEAD\n  - userName: u07"))
    case.stops()


def test_somebody_is_listed_twice(case: Case) -> None:
    case.write("more.yaml", {"users": [user(7, title="Principal")]})
    case.stops()


def test_a_key_that_is_misspelt(case: Case) -> None:
    case.write("teams.yaml", {"groups": [{"displayName": "team-platform", "member": names(range(20))}]})
    case.stops()


def test_a_team_names_somebody_whom_no_file_lists(case: Case) -> None:
    case.state(groups=teams(team_web=["u0@example.com"]))
    case.stops()


def test_a_file_that_grows_without_bounds_when_it_is_read(case: Case) -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    case.write("bomb.yaml", f"l0: &l0 [{', '.join(['u00@example.com'] * 10)}]\n{levels}")
    case.stops()


# directory.yaml


def test_the_directory_yaml_of_another_directory(case: Case) -> None:
    others = [user(number, userName=f"p{number}@example.com", externalId=f"p-{number}") for number in range(60)]
    case.state(users=[one | {"emails": None} for one in others], groups=without_members())
    case.stops()


def test_no_policy_for_who_is_not_listed(case: Case) -> None:
    case.state(unlisted={"groups": "ignore"})
    case.stops()


def test_a_scope_that_is_too_wide(case: Case) -> None:
    partners = [{"userName": f"p{number}@partner.example", "title": "Partner"} for number in range(30)]
    case.hold(partners, [])
    case.state(scope={"users": 'userName ew "@example.com"'})
    case.done("plan", "--detailed-exitcode")
    case.state(scope={"users": 'userName co "@"'})
    case.stops()


def test_a_scope_that_matches_nobody(case: Case) -> None:
    case.state(scope={"users": 'userName ew "@exmaple.com"'})
    case.stops()


def test_unlisted_users_are_deleted_and_not_deactivated(case: Case) -> None:
    case.state(users=people()[:39], groups=without_members(), unlisted={"users": "delete", "groups": "ignore"})
    case.stops()


def test_a_token_in_the_files(case: Case) -> None:
    case.write(
        "directory.yaml",
        {
            "directory": {"name": "acme", "base_url": "${SCIM_BASE_URL}", "token": "c2VjcmV0LXRva2Vu"},
            "unlisted": {"users": "ignore", "groups": "ignore"},
        },
    )
    done = case.stops()
    assert "c2VjcmV0" not in done.stdout + done.stderr


def test_a_variable_that_is_not_set(case: Case) -> None:
    case.variables["SCIM_BASE_URL"] = ""
    case.stops()


def test_an_address_without_tls(case: Case) -> None:
    case.variables["SCIM_BASE_URL"] = "http://scim.example.com/v2"
    case.stops()


# Too much of it


def test_lines_of_leavers_that_are_too_many(case: Case) -> None:
    case.state(users=people()[:37], groups=without_members())
    case.stops()


def test_an_until_of_the_wrong_year(case: Case) -> None:
    case.state(users=[user(number, lifecycle={"until": "2025-12-31"}) for number in range(40)])
    case.stops()


def test_a_rename_that_looks_like_five_hundred_leavers(case: Case) -> None:
    old, new = (
        [{"userName": f"w{number}@{domain}", "title": "Engineer"} for number in range(500)]
        for domain in ("example.org", "example.com")
    )
    case.hold(old, [])
    case.state(users=[*people(), *new])
    case.stops()


def test_everybody_becomes_somebody_else(case: Case) -> None:
    others = [user(number, userName=f"user{number}@example.com") for number in range(40)]
    case.state(users=others, groups=without_members())
    case.stops()


def test_everybody_is_stated_as_inactive(case: Case) -> None:
    case.state(users=[user(number, active=False) for number in range(40)])
    case.stops()


def test_two_people_swap_their_external_ids(case: Case) -> None:
    case.state(users=[*people()[:38], user(38, externalId="x-39"), user(39, externalId="x-38")])
    case.stops()


def test_six_hundred_creations_from_a_loop(case: Case) -> None:
    many = [{"userName": f"{number:04}@example.com"} for number in range(600)]
    case.state(users=[*people(), *many])
    case.stops()


def test_a_matrix_of_groups(case: Case) -> None:
    many = [{"displayName": f"team-{row}-{column}", "members": []} for row in range(11) for column in range(10)]
    case.state(groups=[*teams(), *many])
    case.stops()


def test_an_attribute_of_everybody_is_overwritten(case: Case) -> None:
    case.state(users=[user(number, title="TODO") for number in range(40)], guards={"users": {"update": {"count": 10}}})
    case.stops()


def test_groups_that_are_not_listed_any_more(case: Case) -> None:
    case.state(groups=teams()[:1])
    case.stops()


def test_the_members_of_a_team_become_an_empty_list(case: Case) -> None:
    case.state(groups=teams(team_platform=[]))
    case.stops()


def test_a_match_that_nobody_matches_any_more(case: Case) -> None:
    groups = [team for team in teams() if team["displayName"] != "team-sales"]
    case.state(groups=[*groups, {"displayName": "team-sales", "match": 'department eq "Sale"'}])
    case.stops()


def test_every_team_loses_some(case: Case) -> None:
    case.state(groups=teams(team_platform=names(range(12)), team_sales=names(range(20, 32))))
    case.stops()


def test_an_address_of_a_foreign_domain(case: Case) -> None:
    case.state(users=[*people(), user(40, userName="u40@example.net")], domains=["example.com"])
    case.stops()


def test_a_team_beyond_the_size_that_the_directory_takes(case: Case) -> None:
    case.state(groups=teams(team_web=names(range(31))), capabilities={"max_group_members": 30})
    case.stops()


def test_more_users_than_the_directory_takes(case: Case) -> None:
    case.state(users=[*people(), user(40), user(41)], capabilities={"max_users": 41})
    case.stops()


# Text that does something


def test_a_name_with_a_nul(case: Case) -> None:
    case.write("people.yaml", as_text(people()).replace("userName: u07@example.com", 'userName: "u07\\0@example.com"'))
    case.stops()


def test_a_name_that_writes_on_the_terminal(case: Case) -> None:
    case.hold([], [{"displayName": f"team-\x1b[2K\x1b[1A\u202enothing{number}"} for number in range(3)])
    done = case.stops()
    assert not {"\x1b", "\u202e"} & set(done.stdout + done.stderr)


# The command line


def test_there_is_no_force(case: Case) -> None:
    case.state(users=people()[:30], groups=without_members())
    case.stops(*APPLY, "--force")


def test_an_apply_that_nobody_approves(case: Case) -> None:
    case.state(users=people()[:39], groups=without_members())
    case.stops("apply")


def test_a_pilot_whose_name_is_misspelt(case: Case) -> None:
    case.state(users=[user(number, title="Principal") for number in range(40)])
    case.stops(*APPLY, "--only", "user:u7@example.com")


def test_an_exception_whose_name_is_misspelt(case: Case) -> None:
    case.state(users=[user(number, title="Principal") for number in range(40)])
    case.stops(*APPLY, "--exclude", "user:u7@example.com")


def too_many_leave(case: Case) -> None:
    case.state(users=people()[:30], groups=without_members())


def test_an_allowance_without_a_reason(case: Case) -> None:
    too_many_leave(case)
    case.stops(*APPLY, "--allow", "users.deactivate=10")


def test_an_allowance_that_is_too_small(case: Case) -> None:
    too_many_leave(case)
    case.stops(*APPLY, "--allow", "users.deactivate=9", "--reason", "OPS-1234")


def test_an_allowance_for_another_guard(case: Case) -> None:
    too_many_leave(case)
    case.stops(*APPLY, "--allow", "users.delete=10", "--reason", "OPS-1234")


def test_an_allowance_for_another_group(case: Case) -> None:
    case.state(groups=teams(team_platform=[]))
    case.stops(*APPLY, "--allow", "group:team-web/members.remove", "--reason", "OPS-1234")
