# SPDX-License-Identifier: AGPL-3.0-or-later
"""Fixtures of the router's tests; `router_street.py` says what they are."""

from router_street import board_redis, book, engine, street

__all__ = ["board_redis", "book", "engine", "street"]
