"""What ``DELETE`` of a user really does."""

from __future__ import annotations

from reconciler.applying.requests import deletion
from reconciler.attributes import fold
from reconciler.capabilities import UserDelete
from reconciler.model import Kind
from reconciler.probing.bench import Bench
from reconciler.probing.errors import Undetermined
from reconciler.probing.experiments.creating import new_user, user_body
from reconciler.probing.seen import Seen, refusal
from reconciler.scim.errors import RequestRefused, ScimError


async def deleting_users(bench: Bench) -> Seen:
    """Delete a user, look for it, and make the same one again.

    That the account behind a record lives on, as at Atlassian, does not show in SCIM: such a server looks like one
    that deletes.
    """
    user = bench.facts.rich or await new_user(bench)
    answer = await bench.attempt(bench.send(deletion(Kind.USER, user.known_id)))
    if isinstance(answer, ScimError):
        raise Undetermined(f"DELETE is {refusal(answer)}")
    row = await bench.settle(lambda: bench.read(user), lambda found: not found)
    if row:
        user.row = row
        active = next((value for name, value in row.items() if fold(name) == "active"), None)
        if active is False or (isinstance(active, str) and fold(active) == "false"):
            return Seen(text="the user is still there, inactive", states={"user_delete": UserDelete.SOFT})
        raise Undetermined("DELETE is accepted, and the user is still there, and active")
    again = await bench.attempt(bench.create(Kind.USER, user_body(user.name, bench.facts.shape)))
    if isinstance(again, RequestRefused):
        # Irreversible is also what is safest to assume: what a plan deletes would not come back.
        text = f"the user is gone; made again: {refusal(again)}"
        return Seen(text=text, states={"user_delete": UserDelete.IRREVERSIBLE})
    if isinstance(again, ScimError):
        raise again
    if again.id == user.id:
        bench.forget(user)
        text = "the user is gone; made again, the same one comes back"
        return Seen(text=text, states={"user_delete": UserDelete.SOFT})
    bench.forget(user)
    text = "the user is gone, and can be made again"
    if bench.discovery.capabilities.user_delete is UserDelete.UNLINK:
        return Seen(text=f"{text}; what becomes of the account behind it does not show")
    return Seen(text=text, states={"user_delete": UserDelete.HARD})
