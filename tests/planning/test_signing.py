"""Who signed a plan: keys, signatures, and what is refused."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519

from reconciler.keys import load_private, load_public
from reconciler.planning import PlanFileError, decode, encode
from reconciler.planning.document import seal
from reconciler.planning.plan import Signature
from reconciler.planning.signing import PlanSignatureError, SigningKeyError, fingerprint, generate, sign, signer, verify
from sample_plans import tiny

PRIVATE, PUBLIC = generate()
OTHER_PRIVATE, OTHER_PUBLIC = generate()
SIGNED = sign(tiny(), PRIVATE)

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
OPEN = serialization.NoEncryption()
ENCRYPTED = serialization.BestAvailableEncryption(b"secret")


def signature_of(plan: object) -> Signature:
    found = getattr(plan, "signature", None)
    assert isinstance(found, Signature)
    return found


def test_a_signed_plan_is_trusted_by_who_has_the_public_key() -> None:
    assert verify(decode(encode(SIGNED)), PUBLIC) == fingerprint(PUBLIC)


def test_the_same_key_gives_the_same_signature() -> None:
    assert sign(tiny(), PRIVATE) == SIGNED
    assert sign(sign(tiny(), OTHER_PRIVATE), PRIVATE) == SIGNED


def test_a_signature_changes_neither_digest_nor_content() -> None:
    assert SIGNED.digest == tiny().digest
    assert msgspec.structs.replace(SIGNED, signature=None) == tiny()


def test_another_program_can_verify_a_signature() -> None:
    signature = signature_of(SIGNED)
    key = ed25519.Ed25519PublicKey.from_public_bytes(base64.b64decode(signature.key))
    key.verify(base64.b64decode(signature.value), b"reconciler.plan/1\n" + SIGNED.digest.encode())


def test_without_a_key_to_trust_a_signature_proves_that_the_plan_is_intact() -> None:
    assert verify(SIGNED) == fingerprint(PUBLIC)
    assert verify(tiny()) is None


def test_a_plan_without_a_signature_is_not_trusted() -> None:
    with pytest.raises(PlanSignatureError, match="the plan is not signed") as caught:
        verify(tiny(), PUBLIC)
    assert (caught.value.found, caught.value.trusted) == (None, fingerprint(PUBLIC))


def test_a_plan_signed_by_another_key_is_refused_and_both_keys_are_named() -> None:
    with pytest.raises(PlanSignatureError) as caught:
        verify(sign(tiny(), OTHER_PRIVATE), PUBLIC)
    assert (caught.value.found, caught.value.trusted) == (fingerprint(OTHER_PUBLIC), fingerprint(PUBLIC))
    assert fingerprint(PUBLIC) in str(caught.value)
    assert fingerprint(OTHER_PUBLIC) in str(caught.value)


def test_a_signature_is_for_one_plan_alone() -> None:
    other = seal(msgspec.structs.replace(tiny(), reason="OPS-1234"))
    for trusted in (None, PUBLIC):
        with pytest.raises(PlanSignatureError, match="not as it was signed"):
            verify(msgspec.structs.replace(other, signature=SIGNED.signature), trusted)


def test_a_plan_with_a_wrong_digest_is_neither_signed_nor_trusted() -> None:
    altered = msgspec.structs.replace(SIGNED, as_of="2026-01-01T00:00:00Z")
    with pytest.raises(PlanFileError, match="does not match its digest"):
        verify(altered, PUBLIC)
    with pytest.raises(PlanFileError, match="does not match its digest"):
        sign(altered, PRIVATE)
    with pytest.raises(PlanFileError, match="no digest"):
        sign(msgspec.structs.replace(tiny(), digest=""), PRIVATE)


@pytest.mark.parametrize("trusted", [None, PUBLIC])
@pytest.mark.parametrize(
    "broken",
    [
        Signature(key="", value=""),
        Signature(key="AA==", value=signature_of(SIGNED).value),
        Signature(key="ä", value=signature_of(SIGNED).value),
        Signature(key=signature_of(SIGNED).key + "\n", value=signature_of(SIGNED).value),
        Signature(key=signature_of(SIGNED).key, value=""),
        Signature(key=signature_of(SIGNED).key, value="é"),
        Signature(key=signature_of(SIGNED).key, value=signature_of(SIGNED).value.rstrip("=")),
        Signature(key=signature_of(sign(tiny(), OTHER_PRIVATE)).key, value=signature_of(SIGNED).value),
    ],
)
def test_a_broken_signature_is_refused(broken: Signature, trusted: bytes | None) -> None:
    with pytest.raises(PlanSignatureError):
        verify(msgspec.structs.replace(tiny(), signature=broken), trusted)


def test_base64_that_means_the_same_and_is_written_otherwise_is_refused() -> None:
    signature = signature_of(SIGNED)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = signature.value[-3]
    twin = f"{signature.value[:-3]}{alphabet[alphabet.index(last) ^ 1]}=="
    assert base64.b64decode(twin) == base64.b64decode(signature.value)
    with pytest.raises(PlanSignatureError):
        verify(msgspec.structs.replace(SIGNED, signature=Signature(key=signature.key, value=twin)))


def test_a_fingerprint_is_short_and_the_same_for_key_and_signature() -> None:
    assert len(fingerprint(PUBLIC)) == 16
    assert fingerprint(PUBLIC) == fingerprint(PUBLIC.replace(b"\n", b"\r\n")) == signer(signature_of(SIGNED))
    assert signer(Signature(key="?", value="")) == "an unreadable key"


CURVE = ec.generate_private_key(ec.SECP256R1())
SECRET = ed25519.Ed25519PrivateKey.generate()


@pytest.mark.parametrize(
    ("pem", "told"),
    [
        (PUBLIC, "this is a public key"),
        (b"", "no private key in PEM"),
        (b"\xff\x00garbage", "no private key in PEM"),
        (PRIVATE[:60], "no private key in PEM"),
        (PRIVATE.replace(b"\n", b"\\n"), "no private key in PEM"),
        (SECRET.private_bytes(PEM, PKCS8, ENCRYPTED), "encrypted with a password"),
        (CURVE.private_bytes(PEM, serialization.PrivateFormat.TraditionalOpenSSL, ENCRYPTED), "encrypted"),
        (CURVE.private_bytes(PEM, PKCS8, OPEN), "another kind"),
        (x25519.X25519PrivateKey.generate().private_bytes(PEM, PKCS8, OPEN), "another kind"),
    ],
    # The keys are new in every process: named after them, the tests would not be the same ones in all.
    ids=["public", "empty", "garbage", "cut", "escaped", "encrypted", "encrypted-openssl", "curve", "x25519"],
)
def test_what_is_no_private_key_of_this_kind_is_said_to_be_so(pem: bytes, told: str) -> None:
    with pytest.raises(SigningKeyError, match=told):
        sign(tiny(), pem)


@pytest.mark.parametrize(
    ("pem", "told"),
    [
        (PRIVATE, "this is a private key.*keep the private one secret"),
        (b"", "no public key in PEM"),
        (b"ssh-ed25519 AAAA ada@example.com", "no public key in PEM"),
        (CURVE.public_key().public_bytes(PEM, SPKI), "another kind"),
    ],
)
def test_what_is_no_public_key_of_this_kind_is_said_to_be_so(pem: bytes, told: str) -> None:
    with pytest.raises(SigningKeyError, match=told):
        verify(SIGNED, pem)


def test_keys_come_from_files_and_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "ci.key").write_bytes(PRIVATE)
    (tmp_path / "ci.pub").write_bytes(PUBLIC)
    environ = {"SIGN": PRIVATE.decode(), "TRUST": PUBLIC.decode().strip()}
    assert load_private("ci.key", tmp_path, {}) == load_private("env:SIGN", tmp_path, environ) == PRIVATE
    assert load_public(str(tmp_path / "ci.pub"), Path(), {}) == PUBLIC
    assert fingerprint(load_public("env:TRUST", tmp_path, environ)) == fingerprint(PUBLIC)


@pytest.mark.parametrize("text", ["env:", "env:MISSING", "env:EMPTY"])
def test_a_variable_that_is_not_set_is_named(text: str) -> None:
    with pytest.raises(SigningKeyError, match=f"^{text}: the environment variable") as caught:
        load_private(text, Path(), {"EMPTY": " \n", "": PRIVATE.decode()})
    assert caught.value.source == text


def test_a_wrong_key_is_named_by_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "ci.pub").write_bytes(PUBLIC)
    with pytest.raises(SigningKeyError, match=r"^ci\.pub: this is a public key"):
        load_private("ci.pub", tmp_path, {})
    with pytest.raises(SigningKeyError, match=r"^env:X: this is no public key"):
        load_public("env:X", tmp_path, {"X": "\udcff"})
    with pytest.raises(FileNotFoundError):
        load_public("missing.pub", tmp_path, {})
