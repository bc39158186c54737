# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab up`: a node in one process, with its two child processes."""
