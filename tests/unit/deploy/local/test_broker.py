from pathlib import Path

import pytest

from deploy.local.broker import BrokerKind, ExternalBroker, choose_broker, make_broker
from deploy.local.embedded_broker import EmbeddedBroker
from deploy.local.kafka import LocalKafka
from deploy.local.layout import Layout
from shared.errors import InvalidInput

_BOTH = ("java", "mvn")


@pytest.mark.parametrize(
    ("environment", "found", "kind", "because"),
    [
        ({}, _BOTH, BrokerKind.KAFKA, "java and mvn were found"),
        ({}, (), BrokerKind.EMBEDDED, "java and mvn cannot be found"),
        ({}, ("java",), BrokerKind.EMBEDDED, "mvn cannot be found"),
        ({}, ("mvn",), BrokerKind.EMBEDDED, "java cannot be found"),
        ({"BROKER": ""}, _BOTH, BrokerKind.KAFKA, "java and mvn were found"),
        ({"BROKER": "kafka"}, _BOTH, BrokerKind.KAFKA, "BROKER=kafka"),
        ({"BROKER": "kafka"}, ("java",), BrokerKind.KAFKA, "BROKER=kafka"),
        ({"BROKER": "embedded"}, _BOTH, BrokerKind.EMBEDDED, "BROKER=embedded"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "k1:9092,k2:9092"}, (), BrokerKind.EXTERNAL, "k1:9092,k2:9092"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "k1:9092", "BROKER": "embedded"}, _BOTH, BrokerKind.EXTERNAL, "k1:9092"),
    ],
)
def test_the_broker_follows_the_environment_and_says_why(
    environment: dict[str, str], found: tuple[str, ...], kind: BrokerKind, because: str
) -> None:
    choice = choose_broker(environment, find_program=lambda name: f"/bin/{name}" if name in found else None)
    assert choice.kind is kind
    assert because in choice.reason


def test_an_unknown_broker_is_refused_also_beside_an_external_one() -> None:
    for environment in ({"BROKER": "rabbit"}, {"BROKER": "rabbit", "KAFKA_BOOTSTRAP_SERVERS": "k1:9092"}):
        with pytest.raises(InvalidInput, match="rabbit"):
            choose_broker(environment, find_program=lambda name: name)


def test_asking_for_kafka_without_java_is_refused() -> None:
    with pytest.raises(InvalidInput, match="java"):
        choose_broker({"BROKER": "kafka"}, find_program=lambda name: None)


def test_programs_are_looked_for_on_the_path_that_the_environment_names(tmp_path: Path) -> None:
    assert choose_broker({"PATH": str(tmp_path)}).kind is BrokerKind.EMBEDDED


def test_each_choice_makes_its_broker_and_starts_nothing(tmp_path: Path) -> None:
    layout = Layout(home=tmp_path)
    made = {
        kind: make_broker(choose_broker(environment, find_program=lambda name: name), layout=layout)
        for kind, environment in {
            "kafka": {"BROKER": "kafka"},
            "embedded": {"BROKER": "embedded"},
            "external": {"KAFKA_BOOTSTRAP_SERVERS": "k1:9092"},
        }.items()
    }
    assert isinstance(made["kafka"], LocalKafka)
    assert isinstance(made["embedded"], EmbeddedBroker)
    assert made["external"] == ExternalBroker(bootstrap_servers="k1:9092")
    assert list(tmp_path.iterdir()) == []
