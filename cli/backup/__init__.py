# SPDX-License-Identifier: AGPL-3.0-or-later
"""Backing up a node, while it runs or not, and restoring it.

The order is what makes a backup whole: first the board in one moment, then SQL in one transaction, then the files that SQL names. A report
that left the board for the ledger in between is in both, and the ledger enters it once. A file that SQL names is there, and stays.
"""
