# SPDX-License-Identifier: AGPL-3.0-or-later
"""Fixtures of the journeys; `journey_street.py` says what they are."""

from journey_street import street

__all__ = ["street"]
