# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `shop.toml` says, table by table, and how the router is told of it."""
