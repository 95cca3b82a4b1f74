"""Unique pupil numbers: a check letter, the authority's number, the school's, the year and a serial number."""

import re

_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_UPN = re.compile(r"[A-Z][0-9]{11}[0-9A-Z]\Z")


def is_upn(text: str) -> bool:
    """Return whether a text is a unique pupil number whose check letter fits. A temporary one ends in a letter.

    Department for Education, Unique Pupil Numbers: the sum of positions 2 to 13, each times its position, modulo 23.
    The authority's number is not looked up: a number keeps that of an authority that is no more.
    """
    upn = "".join(text.split()).upper()
    if not _UPN.match(upn) or upn[-1] in "IOS":
        return False
    values = [int(each) if each.isdigit() else _LETTERS.index(each) for each in upn[1:]]
    return upn[0] == _LETTERS[sum(value * position for position, value in enumerate(values, start=2)) % 23]
