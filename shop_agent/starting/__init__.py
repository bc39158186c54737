# SPDX-License-Identifier: AGPL-3.0-or-later
"""From nothing to an agent that could work: a first `shop.toml`, machines found on the network, a look at everything."""
