"""Signatures of saved plans: Ed25519 (RFC 8032) over the digest, so that who applies can tell who planned.

Keys are PEM as RFC 8410 has it: the private one in PKCS #8 without a password, the public one in SubjectPublicKeyInfo.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

import msgspec

from reconciler.diagnostics import ReconcilerError
from reconciler.planning.document import PlanFileError, check_digest
from reconciler.planning.plan import FORMAT, Plan, Signature

if TYPE_CHECKING:
    # Importing cryptography takes 20 ms, and most commands neither sign nor verify.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_FINGERPRINT_LENGTH = 16
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64


class SigningKeyError(ReconcilerError):
    """A key that cannot be used: it is none, one of another kind, or the wrong half of a pair.

    Attributes:
        problem: what is wrong with it, as a sentence without its subject's name.
        source: where it came from, as it was given: a path or ``env:NAME``; ``None`` where that is not known.
    """

    def __init__(self, problem: str, source: str | None = None) -> None:
        self.problem = problem
        self.source = source
        super().__init__(f"{source}: {problem}" if source else problem)


class PlanSignatureError(PlanFileError):
    """A plan that is not signed, not by the key that is trusted, or not as it is now.

    Attributes:
        found: the fingerprint of the key that the plan names; ``None`` where it names none that can be read.
        trusted: the fingerprint of the key that it must be signed with; ``None`` where none was asked for.
    """

    def __init__(self, message: str, *, found: str | None, trusted: str | None) -> None:
        self.found = found
        self.trusted = trusted
        super().__init__(message)


def generate() -> tuple[bytes, bytes]:
    """Return a new pair of keys as PEM: the private one, which signs, and the public one, which verifies."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    return (
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    )


def sign(plan: Plan, private: bytes) -> Plan:
    """Return the plan with a signature, in place of one that it may have. The same key gives the same signature.

    Args:
        plan: a sealed plan.
        private: the private key, PEM.

    Raises:
        PlanFileError: the plan is not intact.
        SigningKeyError: the key cannot be used.
    """
    key = read_private(private)
    check_digest(plan)
    raw = key.public_key().public_bytes_raw()
    signature = Signature(key=_base64(raw), value=_base64(key.sign(_message(plan))))
    return msgspec.structs.replace(plan, signature=signature)


def verify(plan: Plan, public: bytes | None = None) -> str | None:
    """Prove that a plan is signed by a key and is as it was then.

    Args:
        plan: the plan.
        public: the public key that it must be signed with, PEM. Without one, a signature must be that of the key that
            the plan itself names: then the plan is intact, and anybody may have signed it.

    Returns:
        The fingerprint of the key that signed; ``None`` for a plan without a signature, where no key is asked for.

    Raises:
        PlanFileError: the digest is missing or wrong.
        PlanSignatureError: it is not signed, signed by another key, or the signature is wrong.
        SigningKeyError: the given key cannot be used.
    """
    trusted = None if public is None else fingerprint(public)
    check_digest(plan)
    if plan.signature is None:
        if trusted is None:
            return None
        message = f"the plan is not signed, and only plans that the key {trusted} has signed are trusted"
        raise PlanSignatureError(message, found=None, trusted=trusted)
    raw = _decoded(plan.signature.key, _KEY_BYTES)
    if raw is None:
        raise PlanSignatureError("the plan names a signing key that is none", found=None, trusted=trusted)
    found = _fingerprint(raw)
    if trusted not in (None, found):
        message = f"the plan is signed by the key {found}, and only the key {trusted} is trusted"
        raise PlanSignatureError(message, found=found, trusted=trusted)
    if not _holds(plan, plan.signature, raw):
        message = f"the plan is not as it was signed: its signature is not that of the key {found}"
        raise PlanSignatureError(message, found=found, trusted=trusted)
    return found


def fingerprint(public: bytes) -> str:
    """Return the short name of a public key: 16 characters of the base64 of the SHA-256 of its 32 bytes.

    Args:
        public: the key, PEM.

    Raises:
        SigningKeyError: it is no public Ed25519 key.
    """
    return _fingerprint(read_public(public).public_bytes_raw())


def signer(signature: Signature) -> str:
    """Return the fingerprint of the key that a signature names, or ``an unreadable key``. It proves nothing."""
    raw = _decoded(signature.key, _KEY_BYTES)
    return "an unreadable key" if raw is None else _fingerprint(raw)


def read_private(pem: bytes) -> Ed25519PrivateKey:
    """Return a private key.

    Raises:
        SigningKeyError: it is no private Ed25519 key, or one with a password.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if b"-----BEGIN PUBLIC KEY-----" in pem:
        raise SigningKeyError("this is a public key. Plans are signed with the private one, `NAME.key`")
    if b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in pem:
        raise SigningKeyError("the private key is encrypted with a password. Give one without, as `keygen` makes it")
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise SigningKeyError("the private key is encrypted with a password. Give one without") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SigningKeyError("this is no private key in PEM, as `keygen` makes it") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError("this is a private key of another kind. Plans are signed with Ed25519 keys")
    return key


def read_public(pem: bytes) -> Ed25519PublicKey:
    """Return a public key.

    Raises:
        SigningKeyError: it is no public Ed25519 key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"PRIVATE KEY-----" in pem:
        raise SigningKeyError(
            "this is a private key. Plans are verified with the public one, `NAME.pub`; keep the private one secret"
        )
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SigningKeyError("this is no public key in PEM, as `keygen` makes it") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyError("this is a public key of another kind. Plans are signed with Ed25519 keys")
    return key


def _holds(plan: Plan, signature: Signature, raw: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    value = _decoded(signature.value, _SIGNATURE_BYTES)
    if value is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(value, _message(plan))
    except (InvalidSignature, ValueError):
        return False
    return True


def _message(plan: Plan) -> bytes:
    """Return what is signed. The format's name keeps a signature from meaning anything elsewhere."""
    return f"{FORMAT}\n{plan.digest}".encode("ascii")


def _fingerprint(raw: bytes) -> str:
    return _base64(hashlib.sha256(raw).digest())[:_FINGERPRINT_LENGTH]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decoded(text: str, length: int) -> bytes | None:
    """Return the bytes behind base64, or ``None`` where they are not so many or would be written otherwise."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) == length and _base64(data) == text else None
