from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.signatures.errors import (
    ComponentUncovered,
    SignatureAlgorithmWrong,
    SignatureInvalid,
    SignatureMalformed,
    SignatureMissing,
    SignatureStale,
    SignatureTagWrong,
)
from shared.signatures.message import RequestParts, ResponseParts, Tag, signature_base
from shared.signatures.response_signature import COMPONENTS, response_key_id, verify_response
from tests.unit.shared.signatures.messages import (
    ECDSA_KEY,
    KEY,
    NOW,
    NOW_S,
    OTHER_KEY,
    answered,
    signed,
    unsigned,
    with_headers,
)

REQUEST = signed()


def answer_as(parameters: str, *, components: tuple[str, ...] = COMPONENTS) -> ResponseParts:
    """An answer with a good signature over exactly these components and parameters."""
    answer = answered(REQUEST)
    text = f"({' '.join(components)}){parameters}"
    values = {
        '"@status"': "201",
        COMPONENTS[-1]: REQUEST.headers["signature"].removeprefix("sig1="),
        **{f'"{name}";req': REQUEST.component(name) for name in ("@method", "@authority", "@path", "@query")},
        **{f'"{name}"': answer.headers[name] for name in ("content-type", "content-digest")},
    }
    base = signature_base([(each, values[each]) for each in components], text)
    signature = b64encode(KEY.sign(base)).decode("ascii")
    return ResponseParts(201, {**answer.headers, "signature-input": f"sig1={text}", "signature": f"sig1=:{signature}:"})


CREATED, KEYID, TAG = f";created={NOW_S}", f';keyid="{KEY.public.thumbprint}"', f';tag="{Tag.RESPONSE}"'


@pytest.mark.parametrize("key", [KEY, ECDSA_KEY], ids=lambda key: str(key.public.algorithm))
def test_an_answer_verifies_under_the_key_that_it_names(key: "object") -> None:
    assert isinstance(key, type(KEY))
    answer = answered(REQUEST, key=key)
    assert response_key_id(answer) == key.public.thumbprint
    verify_response(answer, request=REQUEST, key=key.public, now=NOW)


@pytest.mark.parametrize(
    "request_",
    [
        replace(REQUEST, method="PUT"),
        replace(REQUEST, authority="other.example"),
        replace(REQUEST, raw_target=b"/v1/withholdings?of=all"),
        replace(REQUEST, raw_target=b"/v1/shares"),
        signed(created=NOW_S - 1),
    ],
    ids=["method", "authority", "path", "query", "signature"],
)
def test_an_answer_to_any_other_request_is_refused(request_: RequestParts) -> None:
    with pytest.raises(SignatureInvalid):
        verify_response(answered(REQUEST), request=request_, key=KEY.public, now=NOW)


def test_a_changed_answer_is_refused() -> None:
    answer = answered(REQUEST)
    changes = [replace(answer, status=200)]
    changes += [replace(answer, headers={**answer.headers, name: "x"}) for name in ("content-type", "content-digest")]
    for changed in changes:
        with pytest.raises(SignatureInvalid):
            verify_response(changed, request=REQUEST, key=KEY.public, now=NOW)


def test_another_key_than_the_answer_names_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        verify_response(answered(REQUEST), request=REQUEST, key=OTHER_KEY.public, now=NOW)
    with pytest.raises(SignatureInvalid):
        verify_response(
            answer_as(f'{CREATED};keyid="{OTHER_KEY.public.thumbprint}"{TAG}'), request=REQUEST, key=KEY.public, now=NOW
        )


@pytest.mark.parametrize(
    ("parameters", "refusal"),
    [
        (f"{CREATED}{TAG}", SignatureMalformed),
        (f"{KEYID}{TAG}", SignatureMalformed),
        (f"{CREATED}{KEYID}", SignatureTagWrong),
        (f'{CREATED}{KEYID};tag="{Tag.REQUEST}"', SignatureTagWrong),
        (f'{CREATED}{KEYID}{TAG};alg="hmac-sha256"', SignatureAlgorithmWrong),
        (f"{CREATED}{KEYID}{TAG};expires={NOW_S - 1}", SignatureStale),
        (f'{CREATED}{KEYID}{TAG};b64="0"', SignatureMalformed),
    ],
)
def test_an_answers_parameters_are_held_to_the_profile(parameters: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        verify_response(answer_as(parameters), request=REQUEST, key=KEY.public, now=NOW)


@pytest.mark.parametrize("component", COMPONENTS)
def test_an_answer_must_cover_itself_and_its_request(component: str) -> None:
    fewer = tuple(each for each in COMPONENTS if each != component)
    with pytest.raises(ComponentUncovered):
        verify_response(answer_as(f"{CREATED}{KEYID}{TAG}", components=fewer), request=REQUEST, key=KEY.public, now=NOW)


@pytest.mark.parametrize("age_s", [301, -31])
def test_an_answer_is_believed_only_while_it_is_fresh(age_s: int) -> None:
    with pytest.raises(SignatureStale):
        verify_response(answered(REQUEST), request=REQUEST, key=KEY.public, now=NOW + timedelta(seconds=age_s))


def test_an_unsigned_answer_is_refused() -> None:
    with pytest.raises(SignatureMissing):
        verify_response(ResponseParts(201, {}), request=REQUEST, key=KEY.public, now=NOW)


@pytest.mark.parametrize("signature", ["anything", "sig1=:AA==:, sig2=:AA==:", "sig2=:AA==:", "sig1=:AB==:"])
def test_no_answer_is_signed_over_a_request_signature_that_a_library_would_read_otherwise(signature: str) -> None:
    with pytest.raises(SignatureMalformed):
        answered(with_headers(REQUEST, {"signature": signature}))


def test_no_answer_is_signed_to_a_request_that_is_not_signed() -> None:
    with pytest.raises(ComponentUncovered):
        answered(unsigned())
