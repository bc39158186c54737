# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people say beside the machines, and what declared sensors see: written down for the agent, with name and time."""
