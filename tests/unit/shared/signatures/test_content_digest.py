from base64 import b64encode
from hashlib import sha256, sha512

import pytest

from shared.signatures.content_digest import content_digest, verify_content_digest
from shared.signatures.errors import DigestMismatch, DigestMissing

BODY = b'{"seen_or_said": "nothing"}'
SHORT = f"sha-256=:{b64encode(sha256(BODY).digest()).decode()}:"
LONG = f"sha-512=:{b64encode(sha512(BODY).digest()).decode()}:"
OTHER = content_digest(b"other")


@pytest.mark.parametrize("header", [SHORT, LONG, f"{SHORT}, {LONG}", f"{LONG},{SHORT}", f"md5=:AAAA:, {SHORT}"])
def test_every_known_digest_that_fits_is_accepted(header: str) -> None:
    verify_content_digest(header, BODY)


@pytest.mark.parametrize("header", [OTHER, f"{OTHER}, {LONG}", f"{LONG}, {OTHER}", "sha-256=::", "sha-256=:AAAA:"])
def test_one_digest_that_does_not_fit_refuses_the_body(header: str) -> None:
    with pytest.raises(DigestMismatch):
        verify_content_digest(header, BODY)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "md5=:AAAA:",
        "sha-256",
        "sha-256=AAAA",
        "sha-256=:AAA:",
        "sha-256=:!!!!:",
        SHORT.upper(),
        f"{SHORT};a=1",
        f"{SHORT}, {SHORT}",
        f"{SHORT}, {OTHER}",
        f"{SHORT},",
        f"{SHORT}\n",
        "\udc80",
    ],
)
def test_a_header_without_a_known_digest_in_the_one_form_is_refused(header: str | None) -> None:
    with pytest.raises(DigestMissing):
        verify_content_digest(header, BODY)
