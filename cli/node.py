# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab up`: start a node."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def up(
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder for the database, the files and the board; else COMMONFAB_DATA_DIR.")
    ] = None,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where to answer; port 0 takes a free one. Beyond this machine only with TLS.")
    ] = None,
    metrics_listen: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where Prometheus reads the metrics.")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(metavar="PEM", help="Certificate chain, to listen with TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="PEM", help="Key of the certificate.")] = None,
) -> None:
    """Start a node: registry, router, inspection, ledger. Ctrl-C stops it.

    Nothing else need be installed: it keeps SQLite and files in its data folder and runs a private redis-server.
    DATABASE_URL and REDIS_URL name servers of your own.
    """
    from cli.up.running import run_node
    from cli.up.settings import node_settings

    given = {
        "data_dir": data_dir,
        "listen": listen,
        "metrics_listen": metrics_listen,
        "tls_certificate": tls_certificate,
        "tls_key": tls_key,
    }
    run_node(node_settings({name: value for name, value in given.items() if value is not None}))
