"""New entry ids: UUIDs of version 7, in the order of time."""

import time
from uuid import RFC_4122, UUID

from shared.fresh_ids import new_entry_id
from shared.identifiers import parse_entry_id


def test_a_new_id_is_a_uuid_of_version_7_that_says_when_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = UUID(parse_entry_id(new_entry_id()))
    after = time.time_ns() // 1_000_000
    assert made.version == 7
    assert made.variant == RFC_4122
    assert before <= made.int >> 80 <= after


def test_ids_come_in_the_order_of_time_and_none_comes_twice() -> None:
    earlier = {new_entry_id() for _ in range(1_000)}
    time.sleep(0.002)
    later = {new_entry_id() for _ in range(1_000)}
    assert len(earlier | later) == 2_000
    assert max(earlier) < min(later)


def test_what_is_not_time_is_random_in_every_digit() -> None:
    tails = [new_entry_id()[13:] for _ in range(500)]
    for place in range(19):
        # The first digit after the second group begins with the variant's two bits.
        assert len({tail[place] for tail in tails}) >= (4 if place == 3 else 14)
