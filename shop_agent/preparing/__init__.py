# SPDX-License-Identifier: AGPL-3.0-or-later
"""From an offer to something that a machine, or a person, can work from: measured before anybody answers."""
