"""The library of the project supports only the symmetric v1, so v1a is held to its maintainers' published example,
and what both versions share, the signed content, to the library."""

from base64 import b64decode
from datetime import UTC, datetime

import pytest
import standardwebhooks

from shared.errors import InvalidInput
from shared.signatures.errors import SignatureInvalid, SignatureMalformed, SignatureMissing, SignatureStale
from shared.signatures.standard_webhooks import (
    load_webhook_public_key,
    load_webhook_secret_key,
    sign_webhook,
    verify_webhook,
    webhook_public_key,
    webhook_secret_key,
)
from tests.unit.shared.signatures.messages import ECDSA_KEY, KEY, NOW, NOW_S, OTHER_KEY

# Svix's server, from which the specification came, carries this example in its tests. Ed25519 is deterministic.
SECRET = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
MESSAGE_ID, TIMESTAMP_S, PAYLOAD = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="

BODY = b'{"id":"1"}'
HEADERS = sign_webhook(BODY, message_id="event-1", timestamp_s=NOW_S, key=KEY)


def test_the_published_example_is_signed_to_the_byte_and_verifies() -> None:
    key = load_webhook_secret_key(SECRET)
    headers = sign_webhook(PAYLOAD, message_id=MESSAGE_ID, timestamp_s=TIMESTAMP_S, key=key)
    assert headers["webhook-signature"] == SIGNATURE
    now = datetime.fromtimestamp(TIMESTAMP_S, UTC)
    verify_webhook(headers, PAYLOAD, key=load_webhook_public_key(PUBLIC), now=now)


def test_keys_are_written_as_the_published_ones_are() -> None:
    key = load_webhook_secret_key(SECRET)
    assert (webhook_secret_key(key), webhook_public_key(key.public)) == (SECRET, PUBLIC)


def test_the_signed_content_is_the_librarys(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def see(key: bytes, data: bytes) -> bytes:
        seen.append(data)
        return key

    monkeypatch.setattr("standardwebhooks.webhooks.hmac_data", see)
    standardwebhooks.Webhook(b"secret").sign("event-1", NOW, BODY.decode())
    KEY.public.verify(b64decode(HEADERS["webhook-signature"].removeprefix("v1a,")), seen[0])


def test_one_good_signature_among_others_is_enough() -> None:
    others = f"v1,AAAA v1a,AAAA v1a,? v2 {HEADERS['webhook-signature']}"
    verify_webhook({**HEADERS, "webhook-signature": others}, BODY, key=KEY.public, now=NOW)


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_a_missing_header_is_named_as_such(name: str) -> None:
    with pytest.raises(SignatureMissing):
        verify_webhook({each: HEADERS[each] for each in HEADERS if each != name}, BODY, key=KEY.public, now=NOW)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"webhook-id": "event-2"}, SignatureInvalid),
        ({"webhook-id": "event.1"}, SignatureMalformed),
        ({"webhook-id": "\udc80"}, SignatureMalformed),
        ({"webhook-timestamp": str(NOW_S + 1)}, SignatureInvalid),
        ({"webhook-timestamp": str(NOW_S + 301)}, SignatureStale),
        ({"webhook-timestamp": str(NOW_S - 301)}, SignatureStale),
        ({"webhook-timestamp": f"{NOW_S}.0"}, SignatureMalformed),
        ({"webhook-timestamp": "٣"}, SignatureMalformed),
        ({"webhook-timestamp": "9" * 5000}, SignatureMalformed),
        ({"webhook-signature": ""}, SignatureInvalid),
        ({"webhook-signature": HEADERS["webhook-signature"].replace("v1a", "v1")}, SignatureInvalid),
        ({"webhook-signature": "v1a,AAAA " * 50 + HEADERS["webhook-signature"]}, SignatureInvalid),
    ],
)
def test_a_changed_header_is_refused(changes: dict[str, str], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        verify_webhook({**HEADERS, **changes}, BODY, key=KEY.public, now=NOW)


def test_another_body_or_key_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        verify_webhook(HEADERS, BODY + b" ", key=KEY.public, now=NOW)
    with pytest.raises(SignatureInvalid):
        verify_webhook(HEADERS, BODY, key=OTHER_KEY.public, now=NOW)


def test_an_id_with_a_dot_is_not_signed_for_it_could_be_read_as_another_id_and_body() -> None:
    with pytest.raises(InvalidInput):
        sign_webhook(BODY, message_id="event.1", timestamp_s=NOW_S, key=KEY)


def test_only_ed25519_keys_serve() -> None:
    for use in (
        lambda: sign_webhook(BODY, message_id="event-1", timestamp_s=NOW_S, key=ECDSA_KEY),
        lambda: verify_webhook(HEADERS, BODY, key=ECDSA_KEY.public, now=NOW),
        lambda: webhook_public_key(ECDSA_KEY.public),
        lambda: webhook_secret_key(ECDSA_KEY),
    ):
        with pytest.raises(InvalidInput):
            use()


@pytest.mark.parametrize("text", ["", "whsec_AAAA", "whsk_!", "whsk_AAAA", "whsk_é", SECRET[:-4] + "Kw=="])
def test_what_is_not_a_secret_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        load_webhook_secret_key(text)


@pytest.mark.parametrize("text", ["", PUBLIC[5:], "whpk_!", "whpk_AAAA", "whpk_" + "A" * 43 + "="])
def test_what_is_not_a_public_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        load_webhook_public_key(text)
