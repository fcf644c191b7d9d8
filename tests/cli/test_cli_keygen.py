"""Keys for signed plans, and what ``show`` says of who signed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from command_line import call, environment
from reconciler.planning import Plan, decode, encode
from reconciler.planning.plan import Allowed
from reconciler.planning.signing import fingerprint, generate, sign, verify
from sample_plans import empty, make_plan, refused, tiny


def save(folder: Path, plan: Plan) -> Path:
    file = folder / "acme.plan"
    file.write_bytes(encode(plan))
    return file


def test_the_keys_that_are_made_sign_and_verify(tmp_path: Path) -> None:
    done = call(["keygen"], cwd=tmp_path)
    private, public = (tmp_path / f"reconciler.{suffix}" for suffix in ("key", "pub"))
    assert done.code == 0
    assert f"Fingerprint: {fingerprint(public.read_bytes())}\n" in done.stdout
    assert verify(sign(tiny(), private.read_bytes()), public.read_bytes())
    assert "PRIVATE" not in done.stdout + done.stderr


def test_only_its_owner_can_read_the_private_key(tmp_path: Path) -> None:
    assert call(["keygen", "-o", "ci"], cwd=tmp_path).code == 0
    assert stat.S_IMODE((tmp_path / "ci.key").stat().st_mode) == 0o600
    assert "PUBLIC KEY" in (tmp_path / "ci.pub").read_text()


def test_programs_are_told_where_the_keys_are(tmp_path: Path) -> None:
    done = call(["keygen", "-o", "ci.key", "--json"], cwd=tmp_path)
    print_ = fingerprint((tmp_path / "ci.pub").read_bytes())
    assert done.document == {"private_key": "ci.key", "public_key": "ci.pub", "fingerprint": print_}


@pytest.mark.parametrize("taken", ["ci.key", "ci.pub"])
def test_keys_are_never_overwritten_and_never_made_by_half(taken: str, tmp_path: Path) -> None:
    (tmp_path / taken).write_text("mine")
    done = call(["keygen", "-o", "ci"], cwd=tmp_path)
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr == f"error: {taken} exists, and keys are never overwritten. Choose another name with -o\n"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(taken, "mine")]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = call(["keygen", "-o", "missing/ci"], cwd=tmp_path)
    assert (done.code, done.stderr) == (1, "error: missing/ci.key: No such file or directory\n")


def test_a_folder_is_no_name_for_keys(tmp_path: Path) -> None:
    done = call(["keygen", "-o", "."], cwd=tmp_path)
    assert done.code == 64
    assert "is a folder" in done.stderr


PRIVATE, PUBLIC = generate()
OTHER, OTHER_PUBLIC = generate()


def test_show_says_what_was_allowed_why_and_who_signed(tmp_path: Path) -> None:
    allowed = Allowed(allowance="users.deactivate=40", reason="OPS-1234: closed\x1b[2J")
    plan = make_plan(allowances=(allowed,), reason="OPS-1234", undoes="20261122T012754Z-1c09cd", only=("user:a",))
    file = save(tmp_path, sign(plan, PRIVATE))
    done = call(["show", str(file)])
    assert done.code == 0
    assert done.stdout.splitlines()[3:10] == [
        "As of:      2026-11-22T00:00:00Z",
        "Undoes:     run 20261122T012754Z-1c09cd",
        "Reason:     OPS-1234",
        "Only:       user:a",
        "Allowed:    users.deactivate=40: OPS-1234: closed\\x1b[2J",
        f"Digest:     {plan.digest}",
        f"Signed by:  key {fingerprint(PUBLIC)}",
    ]
    assert "only --verify-key tells" in done.stderr


def test_show_says_that_nobody_signed(tmp_path: Path) -> None:
    done = call(["show", str(save(tmp_path, empty()))])
    assert "Signed by:  nobody\n" in done.stdout
    assert (done.code, done.stderr) == (0, "")


def test_what_show_prints_for_programs_is_the_plan_file_itself(tmp_path: Path) -> None:
    file = save(tmp_path, sign(refused(), PRIVATE))
    done = call(["show", str(file), "--json"])
    assert done.code == 3
    assert decode(done.stdout.encode()) == decode(file.read_bytes())


def test_show_can_ask_for_a_key_from_a_file_or_the_environment(tmp_path: Path) -> None:
    (tmp_path / "ci.pub").write_bytes(PUBLIC)
    file = save(tmp_path, sign(tiny(), PRIVATE))
    env = environment(TRUSTED=PUBLIC.decode())
    for key in ("ci.pub", "env:TRUSTED"):
        done = call(["show", str(file), "--verify-key", key], cwd=tmp_path, env=env)
        assert done.code == 0
        assert f"signed with the key that was asked for ({fingerprint(PUBLIC)})" in done.stderr


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (tiny(), f"the plan is not signed, and only plans that the key {fingerprint(PUBLIC)} has signed are trusted"),
        (
            sign(tiny(), OTHER),
            f"the plan is signed by the key {fingerprint(OTHER_PUBLIC)}, and only the key {fingerprint(PUBLIC)} is "
            "trusted",
        ),
    ],
    # The keys are new in every process: named after them, the tests would not be the same ones in all.
    ids=["unsigned", "another key"],
)
def test_a_plan_that_is_not_signed_with_the_key_is_4(plan: Plan, told: str, tmp_path: Path) -> None:
    (tmp_path / "ci.pub").write_bytes(PUBLIC)
    done = call(["show", str(save(tmp_path, plan)), "--verify-key", str(tmp_path / "ci.pub")])
    assert (done.code, done.stdout, done.stderr) == (4, "", f"error: {told}\n")


def test_a_signed_plan_that_was_altered_is_4_whoever_asks(tmp_path: Path) -> None:
    file = save(tmp_path, sign(tiny(), PRIVATE))
    value = decode(file.read_bytes()).signature
    other = sign(empty(), PRIVATE).signature
    assert value is not None
    assert other is not None
    file.write_bytes(file.read_bytes().replace(value.value.encode(), other.value.encode()))
    done = call(["show", str(file)])
    assert done.code == 4
    assert "not as it was signed" in done.stderr


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("env:TRUSTED", "env:TRUSTED: the environment variable 'TRUSTED' is not set, or empty"),
        ("ci.key", "ci.key: this is a private key. Plans are verified with the public one"),
        ("missing.pub", "missing.pub: No such file or directory"),
    ],
)
def test_a_key_that_cannot_be_used_is_an_error_and_says_nothing_of_the_plan(
    key: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "ci.key").write_bytes(PRIVATE)
    done = call(["show", str(save(tmp_path, tiny())), "--verify-key", key], cwd=tmp_path)
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {told}")
    assert "BEGIN" not in done.stderr
