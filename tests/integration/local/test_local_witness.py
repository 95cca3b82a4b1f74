"""A witness beside the exchange: what the ledger and the witness are told of each other."""

from pathlib import Path

from deploy.local.exchange import LocalExchange, Options
from deploy.local.layout import Layout
from deploy.local.witness import NAME, LocalWitness, policy_file_of
from services.ledger.adapters.http_witnesses import read_policy
from services.witness.keys import load_log_keys


def test_the_ledger_is_told_whom_to_ask_and_the_witness_whom_to_watch_the_same_after_a_restart(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "home")
    told = []
    for _ in range(2):
        exchange = LocalExchange(layout, announce=lambda _text: None, environment={}, options=Options())
        LocalWitness(exchange).prepare()
        policy = read_policy(policy_file_of(layout))
        (key,) = load_log_keys(layout.home / "witness" / "log-keys")
        assert key.verifier_key() == exchange.log_verifier_key()
        assert not policy.is_met([])
        told.append({each.key for each in policy.witnesses.values()})
    assert told[0] == told[1]
    assert {key.name for key in told[0]} == {NAME}
