# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a file IS: recognised by its content, measured in a limited child process, never repaired and never rescaled silently.

`sandbox` is the way in; everything else here runs in the child. Nothing heavy is imported by this module itself.
"""

INSPECTOR = "commonfab-inspection/2"
"""Stands in every report. To be raised when the same file would be measured differently than before."""
