from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import InvalidInput
from shared.signatures.errors import (
    ComponentUncovered,
    SignatureAlgorithmWrong,
    SignatureInvalid,
    SignatureMalformed,
    SignatureMissing,
    SignatureStale,
    SignatureTagWrong,
)
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import READ_COMPONENTS, read_signature, sign_request, verify_request
from tests.unit.shared.signatures.messages import (
    COMPONENTS,
    ECDSA_KEY,
    KEY,
    NONCE,
    NOW,
    NOW_S,
    OTHER_KEY,
    input_text,
    signed,
    signed_as,
    unsigned,
    verified,
    with_headers,
)

REQUIRED = COMPONENTS.split(" ")


def test_a_good_signature_gives_back_what_was_signed() -> None:
    result = verified(signed())
    assert (result.key_id, result.nonce) == (KEY.public.thumbprint, NONCE)
    KEY.public.verify(result.signature, result.base)
    assert result.base.startswith(
        b'"@method": POST\n"@authority": exchange.example\n"@path": /v1/shares\n"@query": ?of='
    )


@pytest.mark.parametrize("components", [" ".join(reversed(REQUIRED)), f'"x-extra" {COMPONENTS}'])
def test_any_order_and_further_fields_that_are_sent_are_accepted(components: str) -> None:
    request = with_headers(unsigned(), {"x-extra": "one"})
    verified(signed_as(input_text(components=components), request=request))


@pytest.mark.parametrize("component", REQUIRED)
def test_a_required_component_left_out_is_named(component: str) -> None:
    components = " ".join(each for each in REQUIRED if each != component)
    with pytest.raises(ComponentUncovered, match=component):
        verified(signed_as(input_text(components=components)))


@pytest.mark.parametrize(
    "name", ["@scheme", "@target-uri", "@request-target", "@status", "@signature-params", "x-none"]
)
def test_a_component_that_cannot_be_resolved_is_refused_and_not_repeated(name: str) -> None:
    request = signed()
    changed = request.headers["signature-input"].replace('"@query"', f'"@query" "{name}"')
    with pytest.raises(ComponentUncovered) as refusal:
        verified(with_headers(request, {"signature-input": changed}))
    assert "x-none" not in refusal.value.detail


@pytest.mark.parametrize("parameter", [";sf", ";bs", ";req", ";tr", ';key="sig1"', ';name="of"'])
def test_a_component_with_parameters_beside_the_required_ones_is_refused(parameter: str) -> None:
    request = signed()
    changed = request.headers["signature-input"].replace('"@query"', f'"@query" "content-type"{parameter}')
    with pytest.raises(SignatureMalformed):
        verified(with_headers(request, {"signature-input": changed}))


@pytest.mark.parametrize("name", ["signature-input", "signature"])
def test_a_request_without_either_header_is_not_signed(name: str) -> None:
    request = signed()
    headers = {each: value for each, value in request.headers.items() if each != name}
    with pytest.raises(SignatureMissing):
        read_signature(replace(request, headers=headers))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (input_text(created=""), "created"),
        (input_text(nonce=""), "nonce"),
        (input_text(keyid=""), "keyid"),
        (input_text(created=f';created="{NOW_S}"'), "created"),
        (input_text(created=f";created={NOW_S}.0"), "parameters"),
        (input_text(created=f";created=0{NOW_S}"), "parameters"),
        (input_text(created=";created=-0"), "parameters"),
        (input_text(created=";created"), "parameters"),
        (input_text(nonce=";nonce=7"), "nonce"),
        (input_text(nonce=';nonce="fifteen-letters"'), "nonce"),
        (input_text(nonce=f';nonce="{"n" * 129}"'), "nonce"),
        (input_text(keyid=';keyid="school"'), "keyid"),
        (input_text(keyid=";keyid=1"), "keyid"),
        (input_text(more=';expires="soon"'), "expires"),
        (input_text(more=";alg=1"), "alg"),
        (input_text(more=';b64="0"'), "parameter"),
        (input_text(more=f";created={NOW_S}"), "twice"),
        (input_text(more=f";CREATED={NOW_S}"), "parameters"),
        (input_text(components=f'{COMPONENTS} "@path"'), "twice"),
        (input_text(components=COMPONENTS.replace("content-type", "Content-Type")), "lower-case"),
        (input_text(components=COMPONENTS.replace(" ", "  ", 1)), "component"),
        (input_text() + f", sig1={input_text()}", "more than the one"),
        (input_text() + ', sig2=("@method")', "more than the one"),
    ],
)
def test_a_signature_input_that_is_not_the_profiles_is_refused_and_says_why(text: str, named: str) -> None:
    request = with_headers(signed(), {"signature-input": f"sig1={text}"})
    with pytest.raises(SignatureMalformed, match=named) as refusal:
        read_signature(request)
    assert refusal.value.remedy


@pytest.mark.parametrize("nonce", ["n" * 16, "n" * 128])
def test_nonces_of_the_shortest_and_longest_kind_are_accepted(nonce: str) -> None:
    assert verified(signed_as(input_text(nonce=f';nonce="{nonce}"'))).nonce == nonce


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.replace("sig1=", "sig2="),
        lambda header: f"{header}, {header}",
        lambda header: header.replace("sig1=", "sig1=:AAAA:, sig1="),
        lambda header: header.replace("sig1=:", "sig1=::"),
        lambda header: header[:-1],
        lambda header: header + ";a",
        lambda header: header.replace("=:", "=: "),
        lambda header: header.replace("==:", ":"),
        lambda header: header.replace("==:", "===:"),
        lambda header: "sig1=:-_-_:",
        lambda header: "sig1=::",
        lambda header: 'sig1="text"',
        lambda header: "",
    ],
)
def test_a_signature_header_in_any_other_form_is_refused(change: "object") -> None:
    request = signed()
    assert callable(change)
    with pytest.raises(SignatureMalformed):
        read_signature(with_headers(request, {"signature": change(request.headers["signature"])}))


def test_the_same_signature_written_with_spare_bits_is_refused() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    header = signed().headers["signature"]
    last = header.rindex("==") - 1
    spare = header[:last] + alphabet[alphabet.index(header[last]) | 1] + header[last + 1 :]
    with pytest.raises(SignatureMalformed):
        read_signature(with_headers(signed(), {"signature": spare}))


@pytest.mark.parametrize(("age_s", "good"), [(300, True), (301, False), (-30, True), (-31, False)])
def test_a_signature_holds_from_30_seconds_ahead_to_300_seconds_old(age_s: int, good: bool) -> None:
    request = signed(created=NOW_S - age_s)
    if good:
        verified(request)
    else:
        with pytest.raises(SignatureStale):
            verified(request)


def test_expires_is_honoured() -> None:
    request = signed_as(input_text(more=f";expires={NOW_S + 10}"))
    verified(request)
    with pytest.raises(SignatureStale, match="expires"):
        verified(request, now=NOW + timedelta(seconds=11))


def test_a_signature_for_another_purpose_is_refused() -> None:
    with pytest.raises(SignatureTagWrong):
        verified(signed(), tag=Tag.PUSH)
    with pytest.raises(SignatureTagWrong):
        verified(signed_as(input_text(tag="")))


@pytest.mark.parametrize("algorithm", ["ecdsa-p256-sha256", "hmac-sha256", "none", ""])
def test_another_algorithm_than_the_registered_keys_is_refused(algorithm: str) -> None:
    with pytest.raises(SignatureAlgorithmWrong):
        verified(signed_as(input_text(more=f';alg="{algorithm}"')))


def test_the_registered_keys_own_algorithm_may_be_named() -> None:
    verified(signed_as(input_text(more=';alg="ed25519"')))
    keyid = f';keyid="{ECDSA_KEY.public.thumbprint}"'
    text = input_text(keyid=keyid, more=';alg="ecdsa-p256-sha256"')
    verified(signed_as(text, key=ECDSA_KEY), key=ECDSA_KEY.public)


def test_another_key_than_the_one_named_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        verified(signed(), key=OTHER_KEY.public)
    with pytest.raises(SignatureInvalid):
        verified(signed_as(input_text(), key=OTHER_KEY))


@pytest.mark.parametrize(
    "target",
    [
        b"/v1/shares",
        b"/v1/shares?",
        b"/v1/shares?of=all&",
        b"/v1/shares?of=al%6c",
        b"/v1/share%73?of=all",
        b"/v1//shares?of=all",
        b"/v1/./shares?of=all",
        b"/V1/shares?of=all",
        b"/v1/shares/?of=all",
    ],
)
def test_a_target_that_only_means_the_same_is_not_what_was_signed(target: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        verified(replace(signed(), raw_target=target))


@pytest.mark.parametrize("target", [b"/v1/shares ", b"/v1/shares?of=all ", b"/v1/sh\tares", b"/v1/sh\nares", b"/\xff"])
def test_a_target_that_is_not_percent_encoded_is_refused(target: bytes) -> None:
    with pytest.raises(SignatureMalformed):
        verified(replace(signed(), raw_target=target))


@pytest.mark.parametrize("name", ["content-type", "content-digest", "idempotency-key"])
def test_a_changed_header_is_not_what_was_signed(name: str) -> None:
    with pytest.raises(SignatureInvalid):
        verified(with_headers(signed(), {name: "other"}))


def test_another_method_or_host_is_not_what_was_signed() -> None:
    for changed in (replace(signed(), method="PUT"), replace(signed(), authority="other.example")):
        with pytest.raises(SignatureInvalid):
            verified(changed)


def test_a_read_is_signed_over_its_target_alone() -> None:
    request = RequestParts("GET", "exchange.example", b"/v1/shares/1", {})
    headers = sign_request(request, key=KEY, tag=Tag.REQUEST, created=NOW_S, nonce=NONCE, has_body=False)
    request = with_headers(request, headers)
    claimed = read_signature(request)
    assert claimed.input.components == READ_COMPONENTS
    result = verify_request(request, claimed, key=KEY.public, tag=Tag.REQUEST, now=NOW, has_body=False)
    assert b'"@query": ?\n' in result.base
    with pytest.raises(ComponentUncovered, match="content-type"):
        verify_request(request, claimed, key=KEY.public, tag=Tag.REQUEST, now=NOW, has_body=True)


@pytest.mark.parametrize(
    "nonce", ["short", "n" * 129, 'n"' * 10, "n\\" * 10, "n" * 16 + '";alg="', "é" * 20, "n" * 20 + "\n"]
)
def test_a_nonce_that_could_say_more_than_itself_is_not_signed(nonce: str) -> None:
    with pytest.raises(InvalidInput):
        sign_request(unsigned(), key=KEY, tag=Tag.REQUEST, created=NOW_S, nonce=nonce, has_body=True)
