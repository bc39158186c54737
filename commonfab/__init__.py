# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ground under every room: the generated contract (`commonfab.v1`) and what at least two rooms use."""

__version__ = "0.1.0"
