# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is known of revisions from making and using them: build reports, maturity, defects, recalls; and whoever follows it."""
