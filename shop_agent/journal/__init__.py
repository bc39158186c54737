# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the agent knows and what must still reach the router: one SQLite file, in which state and event change together."""
