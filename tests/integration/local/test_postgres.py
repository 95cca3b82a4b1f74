import os
import stat
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.placement import RECORD_NAME
from deploy.local.postgres import EmbeddedPostgres
from shared.errors import IntegrityFailure, Unavailable
from tests.machinery.postgres import Database, running_postgres


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with running_postgres() as postgres:
        yield postgres


def test_what_was_committed_survives_kill_9_and_a_restart(server: EmbeddedPostgres) -> None:
    server.execute("CREATE TABLE kept (number int); INSERT INTO kept VALUES (7)")
    server.crash()
    server.start()
    assert server.execute("SELECT number FROM kept") == "7"
    server.stop()
    server.start()
    assert server.execute("SELECT number FROM kept") == "7"


def test_a_process_number_taken_by_another_process_does_not_stop_the_start(server: EmbeddedPostgres) -> None:
    pid_file = server.data_dir / "postmaster.pid"
    left_behind = pid_file.read_text(encoding="utf-8").splitlines()
    server.crash()
    pid_file.write_text("\n".join([str(os.getpid()), *left_behind[1:]]), encoding="utf-8")
    server.start()
    assert server.execute("SELECT 1") == "1"


def test_a_second_handle_uses_the_server_that_runs(server: EmbeddedPostgres) -> None:
    home = server.data_dir.parent
    other = EmbeddedPostgres(home, password_file=home.parent / "superuser.password")
    other.start()
    running_since = "SELECT pg_postmaster_start_time()"
    assert other.execute(running_since) == server.execute(running_since)


async def test_the_right_password_is_let_in_over_the_socket(server: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(server.dsn())
    try:
        assert await connection.fetchval("SELECT 1") == 1
    finally:
        await connection.close()


async def test_a_wrong_password_is_refused(server: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.dsn(password="not-the-password"))


async def test_a_connection_without_a_password_is_refused(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    server.execute("DROP ROLE IF EXISTS visitor; CREATE ROLE visitor LOGIN")
    for role in ("visitor", "postgres"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(
                host=str(server.socket_dir), port=server.port, user=role, database="postgres", password=""
            )


def test_no_rule_of_the_server_trusts_anybody(server: EmbeddedPostgres) -> None:
    methods = server.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules")
    assert methods == "scram-sha-256"


def test_nothing_is_open_on_the_network(server: EmbeddedPostgres) -> None:
    assert server.execute("SHOW listen_addresses") == ""


def test_a_commit_reaches_the_disk(server: EmbeddedPostgres) -> None:
    settings = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN "
    found = server.execute(settings + "('fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums')")
    assert found == "data_checksums=on fsync=on full_page_writes=on synchronous_commit=on"


def test_no_setting_made_later_can_turn_durability_off(server: EmbeddedPostgres) -> None:
    server.execute("ALTER SYSTEM SET fsync = off")
    try:
        server.stop()
        server.start()
        assert server.execute("SHOW fsync") == "on"
    finally:
        server.execute("ALTER SYSTEM RESET fsync")


def test_the_password_and_the_socket_are_for_their_owner_alone(server: EmbeddedPostgres) -> None:
    password_file = server.data_dir.parent.parent / "superuser.password"
    assert stat.S_IMODE(password_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700


def test_the_server_log_repeats_no_statement_and_no_row(server: EmbeddedPostgres) -> None:
    server.execute("CREATE TABLE unique_text (value text PRIMARY KEY); INSERT INTO unique_text VALUES ('Ptarmigan')")
    with pytest.raises(Unavailable):
        server.execute("INSERT INTO unique_text VALUES ('Ptarmigan')")
    with pytest.raises(Unavailable):
        server.execute("SELECT 1 / length('') AS \"Ptarmigan\"")
    log = server.log_file.read_text(encoding="utf-8")
    assert "duplicate key" in log
    assert "Ptarmigan" not in log


def test_it_works_in_a_folder_that_only_this_user_can_enter(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    try:
        server.start()
        server.execute("CREATE TABLE kept (number int)")
        server.stop()
        again = EmbeddedPostgres(tmp_path / "postgres")
        again.start()
        assert again.execute("SELECT count(*) FROM kept") == "0"
        assert str(again.data_dir) in again.placement
        again.stop()
    finally:
        server.destroy()


def test_it_works_under_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / ("long" * 30) / "postgres")
    try:
        server.start()
        assert server.execute("SELECT 1") == "1"
    finally:
        server.destroy()


def test_data_that_was_kept_elsewhere_and_is_gone_is_not_replaced_by_nothing(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / RECORD_NAME).write_text(str(tmp_path / "gone"), encoding="utf-8")
    with pytest.raises(Unavailable, match="not there"):
        EmbeddedPostgres(tmp_path / "postgres").start()


def test_a_damaged_cluster_is_not_overwritten(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    try:
        server.start()
        server.stop()
        (server.data_dir / "PG_VERSION").unlink()
        with pytest.raises(IntegrityFailure, match="nothing in it was touched"):
            server.start()
        assert (server.data_dir / "global" / "pg_control").exists()
    finally:
        server.destroy()


def test_a_cluster_half_made_is_made_again(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    try:
        server.start()
        server.stop()
        (server.data_dir / "PG_VERSION").unlink()
        (server.data_dir / "making").mkdir()
        server.start()
        assert server.execute("SELECT 1") == "1"
    finally:
        server.destroy()


def test_a_lost_password_is_said_before_anything_starts(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    try:
        server.start()
        server.stop()
        (tmp_path / "postgres" / "superuser.password").unlink()
        with pytest.raises(Unavailable, match="password"):
            server.start()
    finally:
        server.destroy()


async def test_a_fresh_database_is_empty_and_takes_connections(fresh_database: Database) -> None:
    connection = await asyncpg.connect(fresh_database.superuser_dsn)
    try:
        tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert (tables, await connection.fetchval("SELECT current_database()")) == (0, fresh_database.name)
    finally:
        await connection.close()
