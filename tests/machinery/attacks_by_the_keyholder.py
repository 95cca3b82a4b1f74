"""Falsifications by whoever holds the log's key: recomputed and signed anew, yet the entries contradict themselves."""

from msgspec.structs import replace

from shared.clock import parse_rfc3339, rfc3339
from shared.entries import Entry, encode_entry
from shared.identifiers import ChildRef
from shared.vocabulary import EntryType
from tests.machinery.attacks_on_the_log import at, spoken
from tests.machinery.laboratory import Interval, Laboratory


def about_a_child_again(entry: Entry) -> bool:
    """Return whether an entry is not the first about its child."""
    return bool(entry.subjects) and entry.subjects[0].version > 1


async def back_date(lab: Laboratory) -> Interval:
    entry = await lab.pick(lambda entry: entry.position > 1)
    earlier = parse_rfc3339(entry.time).replace(year=2020)
    return await lab.put_signed(entry, time=rfc3339(earlier))


async def leave_out_a_version(lab: Laboratory) -> Interval:
    entry = await lab.pick(about_a_child_again)
    subject = replace(entry.subjects[0], version=entry.subjects[0].version + 1)
    return await lab.put_signed(entry, subjects=(subject, *entry.subjects[1:]))


async def repeat_a_version(lab: Laboratory) -> Interval:
    entry = await lab.pick(about_a_child_again)
    subject = replace(entry.subjects[0], version=entry.subjects[0].version - 1)
    return await lab.put_signed(entry, subjects=(subject, *entry.subjects[1:]))


async def give_to_a_child_nobody_knows(lab: Laboratory) -> Interval:
    entry = await lab.pick(about_a_child_again)
    subject = replace(entry.subjects[0], ref=ChildRef("0" * 32))
    return await lab.put_signed(entry, subjects=(subject, *entry.subjects[1:]))


async def say_another_position(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    return await lab.put_signed(entry, at=entry.position, position=entry.position + 1)


async def take_an_id_twice(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    first = (await lab.entries())[1]
    return await lab.put_signed(entry, id=first.id)


async def name_an_unknown_key(lab: Laboratory) -> Interval:
    return await lab.put_signed(await lab.pick(spoken), key="A" * 43)


async def name_the_key_of_another_agency(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    other = await lab.pick(lambda each: spoken(each) and each.agency != entry.agency)
    return await lab.put_signed(entry, key=other.key)


async def use_a_revoked_key(lab: Laboratory) -> Interval:
    """An earlier entry made into the revocation of the key that signed a later one."""
    entry = await lab.pick(spoken)
    added = next(each for each in await lab.entries() if each.facts.get("thumbprint") == entry.key)
    between = next(each for each in await lab.entries() if each.position > added.position and not spoken(each))
    facts = {"thumbprint": str(entry.key), "reason": "lost", "compromised_from": None}
    await lab.put_signed(between, type=EntryType.AGENCY_KEY_REVOKED, facts=facts)
    return at(entry.position)


async def use_a_key_out_of_date(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    added = next(each for each in await lab.entries() if each.facts.get("thumbprint") == entry.key)
    await lab.put_signed(added, facts={**added.facts, "valid_until": added.time})
    return at(entry.position)


async def break_the_registry(lab: Laboratory) -> Interval:
    entry = await lab.pick(lambda entry: entry.type is EntryType.AGENCY_REGISTERED)
    return await lab.put_signed(entry, facts={"agency": "nobody"})


async def _put_bytes(lab: Laboratory, entry: Entry, leaf: bytes) -> Interval:
    assert leaf != encode_entry(entry)
    await lab.put(entry.position, leaf)
    await lab.recompute(lab.own_signer())
    return at(entry.position)


async def write_an_unknown_type(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    leaf = encode_entry(entry).replace(f'"type":"{entry.type}"'.encode(), b'"type":"share.unrecorded"')
    return await _put_bytes(lab, entry, leaf)


async def write_an_unknown_format(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    return await _put_bytes(lab, entry, encode_entry(entry).replace(b"/entry/v1", b"/entry/v9"))


async def write_it_otherwise(lab: Laboratory) -> Interval:
    """The same JSON in other bytes: a reader that does not insist would take both."""
    entry = await lab.pick(spoken)
    return await _put_bytes(lab, entry, encode_entry(entry).replace(b'{"agency":', b'{ "agency":', 1))


async def write_no_entry_at_all(lab: Laboratory) -> Interval:
    return await _put_bytes(lab, await lab.pick(spoken), b"\xff\x00")
