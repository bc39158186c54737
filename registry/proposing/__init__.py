# SPDX-License-Identifier: AGPL-3.0-or-later
"""What can be inferred from the files of a folder, each with where it stands, to be proposed to the person who publishes it."""
