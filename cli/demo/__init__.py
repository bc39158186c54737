# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab demo`: a street of three shops on one laptop, and five gears for a community."""
