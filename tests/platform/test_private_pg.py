"""The cluster really runs, really stops, keeps its data, and says what is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from disbursement.platform import private_pg
from disbursement.platform.errors import NotNowError, RefusedError


@pytest.fixture
def folder(pg_admin_url):
    """A folder the server's user can reach: pytest's own is closed where root runs the tests."""
    top = Path(tempfile.mkdtemp(prefix="disburse-cluster-"))
    top.chmod(0o711)
    yield top / "pg"
    private_pg.stop(top / "pg")
    shutil.rmtree(top)


def query(url: str, text: str):
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as conn:
        cursor = conn.execute(text)
        return cursor.fetchone() if cursor.description else None


def test_data_stays_and_the_server_goes(folder):
    with private_pg.private_cluster(folder, durable=True) as url:
        assert query(
            url, "SELECT current_setting('fsync'), current_setting('listen_addresses')"
        ) == (
            "on",
            "127.0.0.1",
        )
        query(url, "CREATE TABLE kept (n int)")
        query(url, "INSERT INTO kept VALUES (41)")
        pid = int((folder / "data/postmaster.pid").read_text().split()[0])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with private_pg.private_cluster(folder, durable=False) as url:
        assert query(url, "SELECT n, current_setting('fsync') FROM kept") == (41, "off")


def test_a_second_user_shares_and_does_not_stop(folder):
    with private_pg.private_cluster(folder, durable=False) as url:
        with private_pg.private_cluster(folder, durable=False) as again:
            assert again == url
        assert query(url, "SELECT 1") == (1,)


def test_the_last_to_leave_stops_it(folder):
    first = private_pg.private_cluster(folder, durable=False)
    url = first.__enter__()
    code = (
        "import sys; from pathlib import Path; from disbursement.platform import private_pg as p\n"
        "with p.private_cluster(Path(sys.argv[1]), durable=False) as url:\n"
        "    print(url, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as second:  # fmt: skip
        assert second.stdout.readline().strip() == url
        first.__exit__(None, None, None)
        assert query(url, "SELECT 1") == (1,)
        second.stdin.close()
    assert second.returncode == 0
    assert not (folder / "data/postmaster.pid").exists()


def test_a_cluster_is_found_and_removed_wherever_it_lives(folder):
    assert not private_pg.made(folder)
    private_pg.remove(folder)
    folder.parent.chmod(0o700)  # where root runs this, the cluster gets a place of its own
    with private_pg.private_cluster(folder, durable=False) as url:
        where = Path(query(url, "SHOW data_directory")[0])
        assert private_pg.made(folder)
        private_pg.remove(folder)
        with pytest.raises(psycopg.OperationalError):
            query(url, "SELECT 1")
    assert not private_pg.made(folder)
    assert not where.parent.exists()


def test_a_server_whose_starter_died_is_taken_over_and_stopped(folder):
    code = (
        "import os, sys; from pathlib import Path; from disbursement.platform import private_pg as p\n"
        "with p.private_cluster(Path(sys.argv[1]), durable=False): os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(folder)], check=False).returncode == 9
    pid = int((folder / "data/postmaster.pid").read_text().split()[0])
    with private_pg.private_cluster(folder, durable=False) as url:
        assert query(url, "SELECT 1") == (1,)
        assert int((folder / "data/postmaster.pid").read_text().split()[0]) == pid
    assert not (folder / "data/postmaster.pid").exists()


def test_a_wrong_password_is_refused(folder):
    with private_pg.private_cluster(folder, durable=False) as url:
        wrong = make_url(url).set(password="guess").render_as_string(hide_password=False)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            query(wrong, "SELECT 1")


def test_a_taken_port_is_named(folder, pg_admin_url):
    port = make_url(pg_admin_url).port
    with pytest.raises(NotNowError, match=r"could not bind|Address already in use"):
        private_pg.start(folder, port=port, durable=False)


def test_data_of_a_version_that_is_not_here(folder):
    private_pg.start(folder, durable=False)
    private_pg.stop(folder)
    (folder / "data/PG_VERSION").write_text("99\n")
    with pytest.raises(RefusedError, match="PostgreSQL 99"):
        private_pg.start(folder, durable=False)


def test_no_binaries_is_one_sentence(monkeypatch):
    monkeypatch.setattr(private_pg, "USUAL_PLACES", ())
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(RefusedError, match="apt-get install postgresql"):
        private_pg.find_binaries()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands folders over")
def test_a_folder_with_other_files_is_left_alone(folder):
    folder.mkdir()
    (folder / "letter.txt").write_text("mine")
    with pytest.raises(RefusedError, match=str(folder)):
        private_pg.start(folder, durable=False)
    assert folder.stat().st_uid == 0
    assert (folder / "letter.txt").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's folders are closed to the server")
def test_a_folder_out_of_reach_gets_a_place_of_its_own(folder):
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700)
    try:
        with private_pg.private_cluster(closed / "pg", durable=False) as url:
            where = query(url, "SHOW data_directory")[0]
            assert where.startswith("/var/tmp/disburse-pg-")
            query(url, "CREATE TABLE kept (n int)")
        with private_pg.private_cluster(closed / "pg", durable=False) as url:
            assert query(url, "SELECT count(*) FROM kept") == (0,)
    finally:
        shutil.rmtree(Path(where).parent)


def test_an_ordinary_user_needs_no_root(folder):
    """Runs it as `postgres`, who cannot drop to anybody; a fork keeps the modules at hand."""
    if os.geteuid() != 0:
        pytest.skip("this run is an ordinary user's already")
    folder.parent.chmod(0o777)
    uid = private_pg.server_uid()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            with private_pg.private_cluster(folder, durable=False) as url:
                answer = query(url, "SELECT 7")[0]
            os._exit(answer)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert (folder / "data/PG_VERSION").exists()
    assert not (folder / "data/postmaster.pid").exists()
