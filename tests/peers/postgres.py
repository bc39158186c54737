# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real PostgreSQL on loopback: one server a test process, an empty database a test."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from peers.required import peer_missing
from redis_servers import free_port

SPEED = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=200")
"""Nothing here has to survive a power cut."""

_NUMBERS = count(1)


def find_postgres() -> Path | None:
    """The folder with PostgreSQL's programs: of the `postgres` on the PATH, else Debian's newest."""
    on_path = shutil.which("postgres")
    found = [Path(on_path).resolve()] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[int]:
    """The port of a PostgreSQL of this test process. Use `postgres_url`."""
    programs = find_postgres() or peer_missing("PostgreSQL is not here (Debian: apt install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="commonfab-postgres-"))
    user = _who_may_run_it(folder)
    try:
        initdb = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run([*initdb, "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
        port = free_port()
        with (folder / "postgres.log").open("ab") as log:
            arguments = ["-D", str(folder / "data"), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), *SPEED]
            process = subprocess.Popen([str(programs / "postgres"), *arguments], stdout=log, stderr=log, user=user, cwd=folder)
        try:
            _wait(process, port, folder / "postgres.log")
            yield port
        finally:
            process.terminate()  # a smart shutdown: it waits for its clients, and the tests have closed theirs
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database_at(port: int) -> Iterator[str]:
    """The URL of an empty database, for as long as the context lasts."""
    name = f"test_{next(_NUMBERS)}"
    with psycopg.connect(port=port, host="127.0.0.1", user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        yield f"postgresql://postgres@127.0.0.1:{port}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture
def postgres_url(postgres_server: int) -> Iterator[str]:
    """The URL of an empty database of a real PostgreSQL."""
    with database_at(postgres_server) as url:
        yield url


def _who_may_run_it(folder: Path) -> str | None:
    """PostgreSQL does not run as root; then it runs as somebody else, to whom `folder` is given."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in known else "nobody"
    shutil.chown(folder, user)
    return user


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(port=port, host="127.0.0.1", user="postgres", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text(encoding='utf-8')}") from None
            time.sleep(0.05)
