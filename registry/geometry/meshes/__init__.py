# SPDX-License-Identifier: AGPL-3.0-or-later
"""Meshes: one reader a format, and what is measured of triangles."""
