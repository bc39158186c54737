# SPDX-License-Identifier: AGPL-3.0-or-later
"""The desk as a web page, for a tablet at the bench. Nothing on it comes from anywhere but this computer."""
