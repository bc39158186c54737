# SPDX-License-Identifier: AGPL-3.0-or-later
"""One machine's life: what is to be done next, and doing it."""
