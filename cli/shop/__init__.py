# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab shop`: the agent beside the machines, and what its owner says."""
