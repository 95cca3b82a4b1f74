"""Children's versions are kept in bounded memory, and none is forgotten."""

from random import Random

import pytest

from services.ledger.audit.child_versions import ChildVersions
from shared.identifiers import ChildRef


@pytest.mark.parametrize("most_in_memory", [1, 7, 10_000])
def test_whatever_is_put_is_had_again_however_little_stays_in_memory(most_in_memory: int) -> None:
    random, expected = Random(4), dict[ChildRef, int]()
    versions = ChildVersions(most_in_memory=most_in_memory)
    for _ in range(2_000):
        ref = ChildRef(f"{random.randrange(300):032x}")
        assert versions.get(ref) == expected.get(ref, 0)
        expected[ref] = expected.get(ref, 0) + 1
        versions.put(ref, expected[ref])
    assert len(versions) == len(expected)
    assert {ref: versions.get(ref) for ref in expected} == expected


def test_it_begins_with_what_was_known_before() -> None:
    known = [(ChildRef(f"{number:032x}"), number + 1) for number in range(20)]
    versions = ChildVersions(known, most_in_memory=6)
    assert [versions.get(ref) for ref, _ in known] == [version for _, version in known]
    assert versions.get(ChildRef("f" * 32)) == 0
    assert len(versions) == 20
