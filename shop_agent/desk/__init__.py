# SPDX-License-Identifier: AGPL-3.0-or-later
"""The desk: what the owner of a shop sees and says, on a tablet at the bench, over ssh and on the command line.

It is a process of its own beside the agent. It reads the agent's journal and `live.json`, and writes what people say into the journal,
where the agent finds it within a moment; so an idle agent stays small, and a desk that falls over stops no machine.
"""
