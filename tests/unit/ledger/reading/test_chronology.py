"""Who has which part in a case, and what of it each is shown."""

import msgspec
from msgspec.structs import replace

from services.ledger.reading.chronology import ContentIs
from services.ledger.reading.part_in_case import Reader, case_of
from shared.identifiers import AgencyId, AuthorityCode, ChildRef, EntryId, Recipient
from shared.ledger.stewardship import SCOPE_CHILD, ErasureFacts, Target
from shared.protection import Protection
from shared.vocabulary import WITHOUT_DETAIL, EntryType
from tests.machinery.cases import CHILD, CLINIC, CSC_HERE, CSC_THERE, HERE, SCHOOL, STRANGER, THERE, CaseBook

CSC = AgencyId("a-csc")


def test_who_has_a_duty_to_the_child_sees_all_that_was_told_and_others_their_own() -> None:
    book = CaseBook()
    first, second = book.share(SCHOOL), book.share(CLINIC)
    assert book.opened_for(CSC, CSC_HERE) == [first.position, second.position]
    assert book.opened_for(SCHOOL) == [first.position]
    assert book.opened_for(CLINIC) == [second.position]
    assert not book.view(STRANGER).has_part
    assert not book.view(CSC, CSC_THERE).has_part


def test_what_was_withheld_is_for_who_withheld_it_and_lets_nobody_else_in() -> None:
    book = CaseBook()
    book.add(EntryType.WITHHOLDING_RECORDED, CLINIC, roles={"living_at": HERE}, told={"agency:a-clinic": ("x",)})
    assert not book.view(CSC, CSC_HERE).has_part
    share = book.share(SCHOOL)
    withheld = book.entries[0]
    book.add(EntryType.RECORD_CORRECTED, CLINIC, roles={"plan_held_by": THERE}, causes=(withheld.id,))
    book.add(EntryType.RECORD_DISPUTED, CLINIC, causes=(withheld.id,))
    assert book.seen_by(CSC, CSC_HERE) == [share.position]
    assert not book.view(CSC, CSC_THERE).has_part
    assert book.seen_by(CLINIC) == [0, 2, 3]


def test_a_move_that_a_withholding_shows_is_told_without_what_was_withheld() -> None:
    book = CaseBook()
    book.share()
    withheld = book.add(EntryType.WITHHOLDING_RECORDED, CLINIC, roles={"living_at": THERE})
    told = {CSC_THERE: ("child_now_in_area",), CSC_HERE: ("child_left_area",)}
    moved = book.add(EntryType.CHILD_MOVE_SUSPECTED, None, told=told, causes=(withheld.id,))
    view = book.view(CSC, CSC_THERE)
    assert book.seen_by(CSC, CSC_THERE) == [moved.position]
    assert book.opened_for(CSC, CSC_THERE) == []
    shown = view.shown(moved, content=None, content_is=ContentIs.NONE, then=book.case())
    assert shown.about == ()


def test_a_share_that_follows_on_a_withholding_does_not_say_so_and_what_reopens_one_is_not_the_shares() -> None:
    book = CaseBook()
    withheld = book.add(EntryType.WITHHOLDING_RECORDED, CLINIC)
    share = book.share(CLINIC, settles=[f"{withheld.id}-0"], level="significant_harm")
    share = book.entries[-1] = replace(share, causes=(withheld.id,))
    book.add(EntryType.WITHHOLDING_REOPENED, None, told={"agency:a-clinic": ("x",)}, causes=(withheld.id, share.id))
    view = book.view(CSC, CSC_HERE)
    assert book.seen_by(CSC, CSC_HERE) == [share.position]
    assert book.seen_by(CLINIC) == [0, 1, 2]
    shown = view.shown(share, content=None, content_is=ContentIs.SHOWN, then=book.case())
    assert (shown.about, shown.codes) == ((), {"level": "significant_harm"})


def test_what_a_person_passes_on_is_seen_by_whom_it_is_passed_on_to_and_what_is_said_of_it_later_is_not() -> None:
    book = CaseBook()
    withheld = book.add(EntryType.WITHHOLDING_RECORDED, CLINIC)
    passed_on = book.add(EntryType.QUEUE_RESOLVED, None, told={CSC_THERE: ("a_person_decided",)}, causes=(withheld.id,))
    book.add(EntryType.RECORD_DISPUTED, CLINIC, causes=(withheld.id,))
    assert book.seen_by(CSC, CSC_THERE) == [withheld.position, passed_on.position]
    assert book.opened_for(CSC, CSC_THERE) == [withheld.position]
    assert not book.view(CSC, CSC_HERE).has_part


def test_who_hears_of_a_move_sees_the_report_behind_it_and_nothing_later() -> None:
    book = CaseBook()
    before = book.share()
    report = book.add(EntryType.WHEREABOUTS_REPORTED, CLINIC, roles={"living_at": THERE})
    told = {CSC_THERE: ("child_now_in_area",), CSC_HERE: ("child_left_area",)}
    book.add(EntryType.CHILD_MOVE_SUSPECTED, None, told=told, causes=(report.id,))
    book.share(CLINIC, at=THERE)
    assert book.opened_for(CSC, CSC_HERE) == [before.position, report.position]


def test_a_housing_notice_is_for_who_was_agreed_on_and_shows_who_is_told_without_detail_that_it_is_there() -> None:
    book = CaseBook()
    book.share()
    told = {"agency:a-clinic": ("housing_notice_gp",), "agency:a-stranger": (WITHOUT_DETAIL,)}
    notice = book.add(EntryType.HOUSING_NOTICE_RECORDED, SCHOOL, told=told)
    assert notice.position not in book.seen_by(CSC, CSC_HERE)
    assert book.opened_for(CLINIC) == [notice.position]
    assert (book.seen_by(STRANGER), book.opened_for(STRANGER)) == ([notice.position], [])


def test_a_role_ends_when_a_later_record_names_another_and_what_was_told_stays() -> None:
    book = CaseBook()
    before = book.share()
    book.share(CLINIC, at=THERE)
    assert book.view(CSC, CSC_HERE).roles == frozenset()
    assert book.opened_for(CSC, CSC_HERE) == [before.position]
    assert book.opened_for(CSC, CSC_THERE) == [0, 1]


def test_a_record_that_was_taken_back_gives_no_role_and_is_read_by_nobody_but_who_recorded_it() -> None:
    book = CaseBook()
    wrong = book.share(at=THERE)
    book.share(CLINIC)
    told = {CSC_THERE: ("retracts_what_you_were_told",)}
    retraction = book.add(EntryType.RECORD_RETRACTED, SCHOOL, told=told, causes=(wrong.id,))
    view = book.view(CSC, CSC_THERE)
    assert view.roles == frozenset()
    assert (book.seen_by(CSC, CSC_THERE), book.opened_for(CSC, CSC_THERE)) == ([0, 2], [retraction.position])
    assert wrong.position in book.opened_for(SCHOOL)


def test_schooling_and_a_shared_place_give_no_duty_to_the_child() -> None:
    book = CaseBook()
    book.add(EntryType.SHARE_RECORDED, roles={"education": HERE, "context_location": THERE})
    assert not book.view(CSC, CSC_HERE).has_part
    assert not book.view(CSC, CSC_THERE).has_part


def test_who_owned_a_concern_first_stays_responsible_whatever_moves() -> None:
    book = CaseBook()
    share = book.share()
    facts = {"obligation": f"{share.id}-0", "recipient": CSC_HERE, "state": "owned"}
    book.add(EntryType.NOTIFICATION_OWNED, CSC, causes=(share.id,), facts=facts)
    book.share(CLINIC, at=THERE)
    assert book.view(CSC, CSC_HERE).roles == {"responsible"}
    assert book.opened_for(CSC, CSC_HERE) == [0, 1, 2]


def test_a_role_outlives_the_abolition_of_its_council() -> None:
    book = CaseBook()
    book.share(at=AuthorityCode("E08000019"))
    names = Reader(CSC, Recipient("authority:E08000039")).names
    assert book.case().roles_of(names, now_named=lambda _code: AuthorityCode("E08000039")) == {"living_at"}


def test_a_referrer_sees_how_far_its_own_record_came_and_nothing_of_others() -> None:
    book = CaseBook()
    mine, theirs = book.share(SCHOOL), book.share(CLINIC)
    for share in (mine, theirs):
        facts = {"obligation": f"{share.id}-0", "recipient": CSC_HERE, "state": "owned"}
        book.add(EntryType.NOTIFICATION_OWNED, CSC, causes=(share.id,), facts=facts)
    assert (book.seen_by(SCHOOL), book.opened_for(SCHOOL)) == ([0, 2], [0])


def test_who_looked_is_no_part_of_a_chronology_and_gives_no_part_in_it() -> None:
    book = CaseBook()
    share = book.share()
    for looked in (EntryType.CHRONOLOGY_READ, EntryType.CHILD_SEARCHED, EntryType.CONTENT_OPENED):
        book.add(looked, STRANGER, causes=(share.id,))
    assert not book.view(STRANGER).has_part
    assert book.seen_by(CSC, CSC_HERE) == [share.position]


def test_an_erasure_says_why_and_names_nobody_at_the_exchange() -> None:
    book = CaseBook()
    book.share()
    target = Target(SCOPE_CHILD, CHILD)
    facts = ErasureFacts(
        target, "ground", "reason", EntryId("f" * 32), "p.ellis", ("q.harrow", "r.dunmore"), "2026-12-29", "t.oake"
    )
    erasure = book.add(EntryType.ERASURE_RECORDED, None, facts=msgspec.to_builtins(facts))
    shown = book.view(CSC, CSC_HERE).shown(erasure, content=None, content_is=ContentIs.NONE, then=book.case())
    assert shown.codes == {
        "target": msgspec.to_builtins(target),
        "authority": "ground",
        "reason": "reason",
        "complete_by": "2026-12-29",
    }


def test_entries_about_another_child_are_nothing_to_a_case() -> None:
    book = CaseBook()
    book.share()
    assert case_of(ChildRef("d" * 32), book.entries).entries == {}


def test_how_a_child_is_protected_is_gathered_from_its_entries_and_from_being_looked_after() -> None:
    book = CaseBook()
    book.share(protected=["refuge", "something else"])
    assert book.case().protections == {Protection.REFUGE}
    book.add(EntryType.WHEREABOUTS_REPORTED, roles={"looked_after_by": HERE})
    assert book.case().protections == {Protection.REFUGE, Protection.PLACEMENT}
    assert book.case().child == CHILD


EVERYTHING = frozenset(Protection)


def test_whom_a_person_found_for_an_address_that_no_rule_could_place_is_shown_the_address() -> None:
    book = CaseBook()
    share = book.add(EntryType.SHARE_RECORDED, told={"queue:routing": ("nobody_can_place_it",)})
    told = {CSC_THERE: ("placed_by_a_person",)}
    book.add(EntryType.QUEUE_RESOLVED, None, told=told, causes=(share.id,))
    corrected = book.add(
        EntryType.RECORD_CORRECTED, told={CSC_THERE: ("corrects_what_you_were_told",)}, causes=(share.id,)
    )
    view = book.view(CSC, CSC_THERE)
    assert not view.holds_case
    assert (view.sight_of(share).needs, view.sight_of(corrected).needs) == (EVERYTHING, EVERYTHING)
    # A record that says where the child is puts that authority in the place of the one that a person found.
    book.share(CLINIC, at=HERE)
    assert book.view(CSC, CSC_THERE).sight_of(share).needs == frozenset()


def test_whom_a_person_found_for_what_was_withheld_is_shown_the_address_and_nothing_else_lets_it_in() -> None:
    book = CaseBook()
    withheld = book.add(EntryType.WITHHOLDING_RECORDED, CLINIC)
    book.add(EntryType.QUEUE_RESOLVED, None, told={CSC_THERE: ("placed_by_a_person",)}, causes=(withheld.id,))
    view = book.view(CSC, CSC_THERE)
    assert view.sight_of(withheld).needs == EVERYTHING
    assert not view.holds_case
    book.share(SCHOOL)
    assert book.seen_by(CSC, CSC_THERE) == [0, 1]


def test_whom_a_person_passed_on_what_asked_nothing_of_a_place_needs_what_its_roles_need() -> None:
    book = CaseBook()
    share = book.share()
    book.add(EntryType.QUEUE_RESOLVED, None, told={CSC_THERE: ("passed_on_by_a_person",)}, causes=(share.id,))
    assert book.view(CSC, CSC_THERE).sight_of(share).needs == frozenset()


def test_police_who_were_sent_to_a_child_are_shown_where_it_is_by_a_later_correction_too() -> None:
    book = CaseBook()
    police = "police:E23000008"
    share = book.add(EntryType.SHARE_RECORDED, told={police: ("immediate_danger",)})
    corrected = book.add(
        EntryType.RECORD_CORRECTED, told={police: ("corrects_what_you_were_told",)}, causes=(share.id,)
    )
    other = book.add(EntryType.SHARE_RECORDED, CLINIC, told={police: ("possible_crime",)})
    view = book.view(CSC, police)
    assert view.sight_of(corrected).needs == EVERYTHING
    assert view.sight_of(other).needs == {Protection.REFUGE, Protection.PLACEMENT}
