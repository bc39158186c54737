# SPDX-License-Identifier: AGPL-3.0-or-later
"""The parts of the capability index: columns of shops, machines and kinds of machine. `router/capability_index.py` is the door."""
