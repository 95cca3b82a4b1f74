from pathlib import Path

import pytest

from deploy.local.kafka_jars import fetched_jars
from shared.errors import Unavailable


def _maven_that(does: str, *, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "mvn"
    program.write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize(
    "does",
    ["touch kafka_2.13.jar; echo no connection; exit 1", "touch other.jar", "exit 0"],
    ids=["cut off", "without Kafka", "nothing"],
)
def test_a_fetch_that_is_not_whole_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    _maven_that(does, folder=tmp_path, monkeypatch=monkeypatch)
    with pytest.raises(Unavailable):
        fetched_jars(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_was_fetched_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _maven_that("touch kafka_2.13.jar", folder=tmp_path, monkeypatch=monkeypatch)
    first = fetched_jars(tmp_path / "cache")
    _maven_that("exit 1", folder=tmp_path, monkeypatch=monkeypatch)
    assert fetched_jars(tmp_path / "cache") == first
    assert [jar.name for jar in first.iterdir()] == ["kafka_2.13.jar"]


def test_without_maven_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="mvn") as caught:
        fetched_jars(tmp_path / "cache")
    assert "BROKER=embedded" in caught.value.remedy
