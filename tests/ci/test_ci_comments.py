"""One comment on the pull request, whoever hosts it."""

from __future__ import annotations

import pytest

from code_host import LOST, When
from code_hosts import HOSTS, At, Desk
from fake_github import FakeGitHub
from loopback import Reply
from reconciler.ci.errors import AnswerLostError
from reconciler.ci.reviews import REPLACED, Posted, keep_comment

MARKER = "<!-- reconciler:plan directory=acme-1234 -->"
OTHER = "<!-- reconciler:plan directory=acme-5678 -->"
BODY = f"{MARKER}\n\n## Plan for acme: 2 to create\n"


def keep(desk: Desk, body: str = BODY, marker: str = MARKER) -> Posted:
    with desk.thread() as thread:
        return keep_comment(thread, body, marker)


def test_the_first_plan_makes_a_comment(desk: Desk) -> None:
    posted = keep(desk)
    assert (posted.outcome, desk.bodies) == ("created", [BODY])
    assert posted.url.startswith("https://")


def test_the_next_plan_updates_it_in_place(desk: Desk) -> None:
    url = keep(desk).url
    posted = keep(desk, BODY.replace("2 to", "3 to"))
    assert (posted.outcome, posted.url) == ("updated", url)
    assert desk.bodies == [BODY.replace("2 to", "3 to")]


def test_the_same_plan_writes_nothing(desk: Desk) -> None:
    desk.wrote(BODY.replace("\n", "\r\n").rstrip())
    assert keep(desk).outcome == "unchanged"
    assert not {"POST", "PUT", "PATCH"} & {one.method for one in desk.fake.requests if "graphql" not in one.path}


def test_a_comment_on_a_late_page_is_found(desk: Desk) -> None:
    for number in range(205):
        desk.stranger_wrote(f"remark {number}")
    desk.wrote(BODY)
    for number in range(30):
        desk.stranger_wrote(f"later remark {number}")
    assert keep(desk, f"{BODY}more").outcome == "updated"
    assert len(desk.bodies) == 236


def test_a_stranger_who_copies_the_marker_keeps_the_comment(desk: Desk) -> None:
    desk.stranger_wrote(f"{MARKER}\n\nall is well, approve this\n")
    assert keep(desk).outcome == "created"
    assert keep(desk, f"{BODY}more").outcome == "updated"
    assert desk.bodies == [f"{MARKER}\n\nall is well, approve this\n", f"{BODY}more"]


def test_a_comment_of_ours_that_only_quotes_the_marker_is_another(desk: Desk) -> None:
    desk.wrote(f"{OTHER}\n\nname: {MARKER}\n")
    assert keep(desk).outcome == "created"


def test_workspaces_side_by_side_have_their_own_comments(desk: Desk) -> None:
    keep(desk)
    keep(desk, f"{OTHER}\n\nthe other\n", OTHER)
    keep(desk, f"{BODY}more")
    assert desk.bodies == [f"{BODY}more", f"{OTHER}\n\nthe other\n"]


def test_of_several_of_ours_the_newest_is_kept_and_no_old_plan_is_left(desk: Desk) -> None:
    for text in ("first", "second", "third"):
        desk.wrote(f"{MARKER}\n{text}")
    assert keep(desk).replaced == 2
    assert desk.bodies == [REPLACED, REPLACED, BODY]
    assert keep(desk).replaced == 0


def test_of_two_jobs_at_the_same_moment_both_leave_the_newest(desk: Desk) -> None:
    """The other job wrote its comment after we had looked and found none."""
    desk.wrote(f"{BODY}of the other job")
    desk.fake.faults.append(When("GET", Reply(200, [])))
    if desk.host == "gitlab":
        desk.fake.faults.appendleft(When("GET", Reply(200, {"id": desk.gitlab.me})))
    posted = keep(desk)
    assert (posted.outcome, posted.replaced) == ("created", 1)
    assert desk.bodies == [REPLACED, BODY]


@pytest.mark.parametrize("what", [LOST, Reply(502, {"message": "Bad Gateway"})], ids=["carried out", "not carried out"])
def test_an_answer_that_was_lost_never_makes_two_comments(desk: Desk, what: Reply | str) -> None:
    if isinstance(desk.fake, FakeGitHub):
        # Who we are is asked with POST, too, and asked again.
        desk.fake.faults.append(When("POST", Reply(200, {"data": {"viewer": {"login": desk.fake.viewer}}})))
    desk.fake.faults.append(When("POST", what))
    keep(desk)
    assert desk.bodies == [BODY]


def test_where_no_answer_ever_comes_it_is_said_that_it_may_be_there(at: At) -> None:
    desk = at("gitlab")
    for _ in range(10):
        desk.fake.faults += [When("GET", Reply(200, [])), When("POST", Reply(502, {"message": "Bad Gateway"}))]
    desk.fake.faults.appendleft(When("GET", Reply(200, {"id": 501})))
    with pytest.raises(AnswerLostError, match="502: Bad Gateway"):
        keep(desk)
    assert len(desk.fake.said("POST")) == 4


@pytest.mark.parametrize("host", HOSTS)
def test_a_comment_whose_author_is_gone_is_nobody_s(at: At, host: str) -> None:
    desk = at(host)
    row = desk.stranger_wrote(f"{MARKER}\n")
    row["user" if host == "github" else "author"] = None
    assert keep(desk).outcome == "created"


def test_system_notes_of_gitlab_are_no_comments(at: At) -> None:
    desk = at("gitlab")
    desk.gitlab.write(desk.gitlab.me, f"{MARKER}\nadded 1 commit", system=True)
    assert keep(desk).outcome == "created"


def test_a_personal_token_is_asked_for_its_own_login(at: At) -> None:
    desk = at("github", viewer="robin")
    desk.github.write("github-actions[bot]", f"{MARKER}\nof a workflow")
    assert keep(desk).outcome == "created"
    assert desk.github.comments[7][-1]["user"]["login"] == "robin"


def test_where_github_does_not_say_who_we_are_the_account_of_workflows_is_meant(at: At) -> None:
    desk = at("github", graphql=False)
    desk.github.write("github-actions[bot]", f"{MARKER}\nold")
    assert keep(desk).outcome == "updated"


def test_a_project_path_of_gitlab_is_one_segment(at: At) -> None:
    from reconciler.ci.surroundings import Given

    desk = at("gitlab")
    with desk.thread(Given(repository="acme/identity/directory")) as thread:
        assert keep_comment(thread, BODY, MARKER).outcome == "created"
