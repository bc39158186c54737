# SPDX-License-Identifier: AGPL-3.0-or-later
"""Cutting drawings: DXF and SVG."""
