import pytest

from shared.errors import InvalidInput
from shared.signatures.authority import authority_of, normal_authority, target_of


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://Exchange.Example/v1/shares", "exchange.example"),
        ("https://exchange.example:443", "exchange.example"),
        ("https://exchange.example:0443", "exchange.example"),
        ("http://exchange.example:80/?a", "exchange.example"),
        ("https://exchange.example:80", "exchange.example:80"),
        ("http://127.0.0.1:8080/v1", "127.0.0.1:8080"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("http://[::1]:80/", "[::1]"),
    ],
)
def test_an_authority_is_in_lower_case_without_the_schemes_own_port(url: str, authority: str) -> None:
    assert authority_of(url) == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "exchange.example",
        "ftp://exchange.example",
        "https://",
        "https://me@exchange.example",
        "https://[::1",
        "http://\u212aent.example",
    ],
)
def test_what_is_not_a_host_of_http_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        authority_of(url)


def test_a_host_header_is_held_to_the_same() -> None:
    assert normal_authority("EXCHANGE.example:443", scheme="https") == "exchange.example"
    with pytest.raises(InvalidInput):
        normal_authority("exchange.example, other.example", scheme="https")


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://csc.example", b"/"),
        ("https://csc.example/?", b"/"),
        ("https://csc.example/pushes?from=exchange", b"/pushes?from=exchange"),
        ("https://csc.example?from=exchange", b"/?from=exchange"),
        ("https://csc.example/%C3%A9#part", b"/%C3%A9"),
        ("https://csc.example/\u00e9", b"/\xe9"),
    ],
)
def test_the_target_is_the_path_and_the_query_as_they_are_sent(url: str, target: bytes) -> None:
    assert target_of(url) == target


@pytest.mark.parametrize("url", ["https://csc.example/\u20ac", "https://[csc.example/"])
def test_a_target_that_cannot_be_sent_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        target_of(url)
