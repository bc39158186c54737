#!/usr/bin/env bash
# SPDX-License-Identifier: AGPL-3.0-or-later
# Installs the programs that the tests need and that no Python wheel brings. Only what is missing, and only where that needs no question:
# as root, or where sudo asks for no password. Elsewhere it names what is missing; the tests that need it are then skipped with that reason.
#
#   deploy/system-packages.sh        what `make test` needs
#   deploy/system-packages.sh all    and what the machine servers of `make test-peers` need
set -euo pipefail

# program:Debian package
needed=(redis-server:redis-server prusa-slicer:prusa-slicer bwrap:bubblewrap postgres:postgresql
  chromium:chromium chromedriver:chromium-driver
  gcc:build-essential libusb-config:libusb-dev)  # the last two compile Klipper

missing=()
for pair in "${needed[@]}"; do
  # Debian keeps PostgreSQL's programs off the PATH.
  PATH="$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')" command -v "${pair%%:*}" >/dev/null 2>&1 || missing+=("${pair##*:}")
done
if [ "${1:-}" = all ]; then
  command -v npm >/dev/null 2>&1 || missing+=(npm)  # for CNCjs
  # For PrusaLink: headers to build it, libraries to run it. A library has no program to look for, so Debian is asked.
  for package in gcc libcap-dev libturbojpeg0 libmagic1 libudev1; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
fi
[ "${#missing[@]}" -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "Missing, and there is no apt-get here to install it: ${missing[*]}. The tests that need it are skipped."
  exit 0
fi
if [ "$(id -u)" -eq 0 ]; then
  root=()
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
  root=(sudo -n)
else
  echo "Missing: ${missing[*]}. Install with: sudo apt-get install ${missing[*]}. Until then the tests that need it are skipped."
  exit 0
fi
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${root[@]}" apt-get update -qq </dev/null || echo "apt-get update failed; trying with the lists as they are"
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
