# SPDX-License-Identifier: AGPL-3.0-or-later
"""A running design commons as a test sees it."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from commonfab import v1
from commonfab.client import Node, connect
from commonfab.errors import refusal_of
from commonfab.rpc_client import Endpoint
from commonfab.rpc_server import RunningServer
from commonfab.settings import NodeSettings
from commonfab.tokens import TokenStore
from registry.opening import Registry

LAPTOP, CLUSTER = "SQLite and a folder", "PostgreSQL and S3"

laptop_only = pytest.mark.parametrize("settings", [LAPTOP], indirect=True)
"""For what has nothing to do with how a node keeps its things, and takes seconds."""


async def refused(call: Awaitable[Any]) -> v1.Refusal:
    """The refusal that `call` ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    refusal = refusal_of(caught.value)
    assert refusal is not None, f"a failed call without a reason: {caught.value}"
    return refusal


@dataclass
class Commons:
    """A running design commons and how to call it."""

    settings: NodeSettings
    engine: sa.Engine
    registry: Registry
    server: RunningServer
    tokens: TokenStore
    nodes: list[Node]
    metrics: CollectorRegistry

    def node(self, subject: str = "ada", scope: v1.Scope.ValueType = v1.SCOPE_MAKER) -> Node:
        """A client with a token of this subject and scope."""
        return self.node_with(self.tokens.issue(scope, subject).secret)

    def node_with(self, secret: str) -> Node:
        node = connect(Endpoint(self.server.address, secret))
        self.nodes.append(node)
        return node

    async def publish_file(self, node: Node, path: Path, unit: str = "", licence: str = "CC0-1.0") -> v1.PublishRevisionResponse:
        """Upload one file and publish it as a design of one part."""
        await node.upload(path)
        return await node.registry.PublishRevision(publication(path, unit, licence))

    async def inspected(self, node: Node, digest: str) -> list[v1.InspectedPart]:
        """The parts of a revision once all are inspected, as WatchInspection tells them."""
        parts = []
        async for message in node.registry.WatchInspection(v1.WatchInspectionRequest(digest=digest), timeout=200):
            parts += message.newly_done
        return parts


def publication(path: Path, unit: str = "", licence: str = "CC0-1.0", title: str = "") -> v1.PublishRevisionRequest:
    """The request that publishes the file at `path` as a design of one part."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    part = v1.Part(name=path.stem, paths=[path.name], quantity_per_product=1, demands=v1.Demands(unit=unit))
    manifest = v1.Manifest(licence=licence, files=[v1.FileEntry(path=path.name, sha256=sha256)], parts=[part])
    return v1.PublishRevisionRequest(design=v1.Design(title=title or path.stem), manifest=manifest)
