# SPDX-License-Identifier: AGPL-3.0-or-later
"""The node's metrics, for Prometheus to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.process_collector import ProcessCollector

from commonfab.errors import Refused
from commonfab.settings import NodeSettings, is_loopback


def check_metrics_listen(settings: NodeSettings) -> None:
    """Refuse to show metrics beyond loopback without TLS. Errors: `Refused` (`node.listen`)."""
    if not is_loopback(settings.metrics_listen) and not (settings.tls_certificate and settings.tls_key):
        raise Refused("node.listen", settings.metrics_listen)


@contextmanager
def serve_metrics(settings: NodeSettings, metrics: CollectorRegistry) -> Iterator[str]:
    """Serve `metrics` while the context lasts; yields the URL. Beyond loopback with the node's certificate only.

    Errors: `Refused` (`node.address_taken`).
    """
    ProcessCollector(registry=metrics)
    host, _, port = settings.metrics_listen.rpartition(":")
    secure = not is_loopback(settings.metrics_listen)
    certificate, key = (str(settings.tls_certificate), str(settings.tls_key)) if secure else (None, None)
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), metrics, certfile=certificate, keyfile=key)
    except (OSError, ValueError):
        raise Refused("node.address_taken", settings.metrics_listen) from None
    try:
        yield f"{'https' if secure else 'http'}://{host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
