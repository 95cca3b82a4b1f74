"""``exchange rules``: what decisions are judged by, as on any day, read from the data that comes with this."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import InvalidInput
from shared.reference.rules import ANY, NATIONS, Rule, RuleBook, load_rules
from shared.reference.working_days import local_day

app = typer.Typer(help="The rules that decisions are judged by, as on any day. Works offline.", no_args_is_help=True)

On = Annotated[str, typer.Option("--on", help="A day, as 2026-09-30; today when left out")]
Nation = Annotated[str, typer.Option("--nation", help="Of the agency that decides: " + ", ".join(NATIONS))]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Every version, as the table in docs/rules.md")]
File = Annotated[Path | None, typer.Option("--file", help="Another file of rules, such as an older one")]


@app.command("list")
def list_rules(
    *, on: On = "", nation: Nation = "", as_json: AsJson = False, markdown: AsMarkdown = False, file: File = None
) -> None:
    """List the rules in force on a day."""
    book, day = load_rules(file), _day(on)
    if nation and nation not in NATIONS:
        raise InvalidInput("that is not one of the nations", remedy="Give one of: " + ", ".join(NATIONS))
    if markdown:
        typer.echo("\n".join(markdown_table(book)))
        return
    found = [rule for rule in book.rules if rule.in_force(day) and (not nation or {nation, ANY} & rule.nations)]
    if as_json:
        typer.echo(json.dumps({"rules": book.id, "on": day.isoformat(), "in_force": [_plain(each) for each in found]}))
        return
    typer.echo(f"{book.id}, as on {day.isoformat()}: {len(found)} in force")
    for rule in found:
        typer.echo(f"{rule.id:38} {rule.answer:9} {rule.text}")


@app.command("explain")
def explain(
    code: Annotated[str, typer.Argument(help="A code of advice or of a challenge")],
    *,
    as_json: AsJson = False,
    file: File = None,
) -> None:
    """Say what a rule says, on whose authority, for whom, and from when to when: every version of it."""
    book = load_rules(file)
    versions = book.versions(code)
    if as_json:
        typer.echo(json.dumps({"rules": book.id, "versions": [_plain(each) for each in versions]}))
        return
    for rule in versions:
        within = f", within: {rule.within}" if rule.within is not None else ""
        typer.echo(f"{rule.id} ({rule.answer}{within})")
        typer.echo(f"  says      {rule.text}")
        typer.echo(f"  source    {rule.source}")
        typer.echo(f"  in force  {_period(rule)}")
        typer.echo(f"  for       {_whom(rule)}")
    typer.echo(f"from {book.id}; no rule refuses a concern")


def markdown_table(book: RuleBook) -> Sequence[str]:
    """Return the rows of the table in docs/rules.md: every version of every rule."""
    return [
        "| code | answer | what it says | source | in force | for |",
        "|---|---|---|---|---|---|",
        *(
            f"| `{rule.id}` | {rule.answer}{f' ({rule.within})' if rule.within is not None else ''} | {rule.text} "
            f"| {rule.source} | {_period(rule)} | {_whom(rule)} |"
            for rule in book.rules
        ),
    ]


def _period(rule: Rule) -> str:
    match rule.effective_from, rule.effective_until:
        case None, None:
            return "always"
        case None, until:
            return f"until {until}"
        case since, None:
            return f"from {since}"
        case since, until:
            return f"{since} to {until}"


def _whom(rule: Rule) -> str:
    parts = [", ".join(sorted(each)) for each in (rule.kinds, rule.nations, rule.duty_classes) if each != {ANY}]
    return "; ".join(parts) or "any"


def _plain(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "effective_from": rule.effective_from.isoformat() if rule.effective_from is not None else None,
        "effective_until": rule.effective_until.isoformat() if rule.effective_until is not None else None,
        "nations": sorted(rule.nations),
        "duty_classes": sorted(rule.duty_classes),
        "kinds": sorted(rule.kinds),
        "answer": rule.answer.value,
        "within": rule.within.value if rule.within is not None else None,
        "text": rule.text,
        "source": rule.source,
        "revised": rule.revised.isoformat(),
    }


def _day(text: str) -> date:
    if not text:
        return local_day(datetime.now(UTC))
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("that is not a day", remedy="Write it as 2026-09-30.") from error
