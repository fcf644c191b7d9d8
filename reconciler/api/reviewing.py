"""What stands between a plan and its apply: signing it, proving who signed, and comparing it with the one reviewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.planning import Plan

if TYPE_CHECKING:
    # Few plans are signed or compared, and start-up time is felt at every command.
    from reconciler.planning.comparing import Comparison


def sign(plan: Plan, private_key: bytes) -> Plan:
    """Return the plan with an Ed25519 signature, so that who applies it can tell who made it.

    Args:
        plan: a sealed plan.
        private_key: PEM, as ``reconciler keygen`` makes it.

    Raises:
        PlanFileError: the plan is not intact.
        SigningKeyError: the key cannot be used.
    """
    from reconciler.planning.signing import sign

    return sign(plan, private_key)


def verify(plan: Plan, public_key: bytes | None = None) -> str | None:
    """Prove that a plan is intact, and signed by a key. :func:`apply` does so by itself where it is given one.

    Args:
        plan: the plan.
        public_key: the key that it must be signed with, PEM. Without one, a signature must be that of the key that the
            plan itself names, which anybody could have made.

    Returns:
        The fingerprint of the key that signed; ``None`` for a plan without a signature, where no key is asked for.

    Raises:
        PlanFileError: the digest is missing or wrong.
        PlanSignatureError: it is not signed, signed by another key, or the signature is wrong.
        SigningKeyError: the given key cannot be used.
    """
    from reconciler.planning.signing import verify

    return verify(plan, public_key)


def compare(old: Plan, new: Plan) -> Comparison:
    """Return what separates a newer plan from an older one, from one that was reviewed for instance. Pure."""
    from reconciler.planning.comparing import compare

    return compare(old, new)
