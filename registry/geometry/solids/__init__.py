# SPDX-License-Identifier: AGPL-3.0-or-later
"""Boundary representations: STEP, IGES, BREP; what is measured of them."""
