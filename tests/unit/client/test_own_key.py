"""What an agency's system may say of its own keys is what the exchange knows."""

from client.own_key import REVOCATION_REASONS
from shared.ledger.own_keys import REASONS


def test_the_reasons_to_revoke_a_key_are_those_of_the_exchange() -> None:
    assert set(REVOCATION_REASONS) == REASONS
