# SPDX-License-Identifier: AGPL-3.0-or-later
"""Keeping house: files that nothing names any more, files that are no longer what they were, and who has how much."""
