import stat
from pathlib import Path

from deploy.local.layout import Layout, environment_of_its_own


def test_the_environment_names_the_folder_and_the_default_is_in_the_working_directory() -> None:
    assert Layout.from_environment({"EXCHANGE_HOME": "/srv/exchange"}).home == Path("/srv/exchange")
    assert Layout.from_environment({}).home == Path.cwd() / ".exchange"
    assert Layout.from_environment({"EXCHANGE_HOME": ""}).home == Path.cwd() / ".exchange"


def test_secrets_are_closed_to_others_even_when_they_were_open_before(tmp_path: Path) -> None:
    layout = Layout(home=tmp_path / "home")
    layout.secrets.mkdir(parents=True, mode=0o755)
    layout.create()
    layout.create()
    assert stat.S_IMODE(layout.secrets.stat().st_mode) == 0o700
    assert stat.S_IMODE(layout.logs.stat().st_mode) == 0o700


def test_another_user_may_walk_through_to_postgres_but_not_look_around(tmp_path: Path) -> None:
    layout = Layout(home=tmp_path / "home")
    layout.create()
    assert stat.S_IMODE(layout.home.stat().st_mode) == 0o711
    assert stat.S_IMODE(layout.postgres.stat().st_mode) == 0o711


def test_which_servers_to_use_is_left_to_the_environment() -> None:
    given = {
        "DATABASE_URL": "x",
        "BROKER": "embedded",
        "LEDGER_LOG_KEY_NEXT_FILE": "y",
        "gateway_port": "1",
        "PATH": "z",
    }
    assert environment_of_its_own(given) == {"DATABASE_URL": "x", "BROKER": "embedded", "PATH": "z"}
