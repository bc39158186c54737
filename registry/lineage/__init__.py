# SPDX-License-Identifier: AGPL-3.0-or-later
"""How revisions hang together: what derives from what, what is built into what, and what licences ask of that."""
