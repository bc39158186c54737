# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is looked at before a file is parsed: zip directories, XML, declared counts."""
