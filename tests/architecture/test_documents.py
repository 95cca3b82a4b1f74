"""What can be checked against the code is: tables of problems, advice and settings, examples, links."""

import re
from pathlib import Path

import orjson
import pytest

from cli.rules import markdown_table
from services.gateway.api.examples import EXAMPLES
from services.gateway.api.problem_types import PROBLEMS
from shared.process.settings import ALL_SETTINGS
from shared.reference.rules import load_rules
from shared.vocabulary import EntryType

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
API = (ROOT / "docs" / "api.md").read_text("utf-8")
FILES = {
    "ShareRecord": "share",
    "WithholdingRecord": "withholding",
    "WhereaboutsRecord": "whereabouts",
    "HousingNoticeRecord": "housing_notice",
    "AcknowledgementRecord": "acknowledgement",
    "OpeningRecord": "opening",
    "SignaturesRecord": "signatures",
    "OwnKeyRecord": "own-key",
    "OwnKeyRevocationRecord": "own-key-revocation",
    "SearchRecord": "search",
    "ShareCorrectionRecord": "correction",
    "RetractionRecord": "retraction",
    "DisputeRecord": "dispute",
    "ConsentWithdrawalRecord": "consent-withdrawal",
    "WithholdingReviewRecord": "withholding-review",
}


def rows(text: str, heading: str) -> set[str]:
    """Return the rows of the table below a heading."""
    below = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return {line for line in below.splitlines() if line.startswith("| `")}


def test_every_problem_is_documented_with_its_cause_and_cure_and_nothing_else_is() -> None:
    said = {f"| `{each.code}` | {each.status} | {each.cause} | {each.cure} |" for each in PROBLEMS.values()}
    assert rows(API, "Problems") == said


def test_every_rule_is_documented_and_nothing_else_is() -> None:
    text = (ROOT / "docs" / "rules.md").read_text("utf-8")
    said = markdown_table(load_rules())
    assert rows(text, "Every rule") == {line for line in said if line.startswith("| `")}


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", text, re.MULTILINE))
    settings = {
        f"{kind.model_config.get('env_prefix', '')}{name.upper()}"
        for kind in ALL_SETTINGS
        for name in kind.model_fields
    }
    assert documented == settings


def test_every_type_of_entry_is_documented_and_nothing_else_is() -> None:
    said = (ROOT / "docs/ledger-format.md").read_text().split("The types of entries are ")[1].split("\n\n")[0]
    assert re.findall(r"`([a-z_.]+)`", said) == [each.value for each in EntryType]


@pytest.mark.parametrize("record", FILES)
def test_the_examples_are_those_of_the_open_api_document(record: str) -> None:
    assert orjson.loads((ROOT / "docs" / "examples" / f"{FILES[record]}.json").read_bytes()) == EXAMPLES[record]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.name))
def test_links_and_named_tests_are_there(document: Path) -> None:
    text = document.read_text("utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)", text) if "://" not in target]
    named = re.findall(r"`((?:tests|services|shared|cli|client|deploy)/[A-Za-z0-9_./]+)`", text)
    assert all((document.parent / target).exists() for target in targets), targets
    assert all((ROOT / name).exists() for name in named), [name for name in named if not (ROOT / name).exists()]


def test_no_tracked_text_names_a_path_of_one_machine() -> None:
    hidden = {".git", ".venv", ".exchange", ".foreign", "node_modules"}
    for path in ROOT.rglob("*"):
        if path.is_file() and not hidden & set(path.relative_to(ROOT).parts) and path.suffix in {".py", ".md", ".toml"}:
            assert not re.search(r"/(work|root)/[a-z.]", path.read_text("utf-8")), path
