# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab design`: the design commons from the terminal."""
