#!/usr/bin/env bash
# Run as root: installs Debian packages of servers for their programs only, without starting any service.
# Usage: tools/install-servers.sh <package>...
set -euo pipefail

# Two checkouts on one machine take turns.
exec 9>/run/lock/task-worker-install-servers
flock 9

# The way to keep Debian from starting services on installation; 101 means "not allowed":
# https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
POLICY=/usr/sbin/policy-rc.d
if [ ! -e "$POLICY" ]; then
  trap 'rm -f "$POLICY"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$POLICY"
  chmod 755 "$POLICY"
fi

# What apt and the packages' scripts have to say matters only where they fail.
LOG=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
APT=(apt-get --quiet=2 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
if ! { "${APT[@]}" update && "${APT[@]}" install --yes --no-upgrade --no-install-recommends "$@"; } >"$LOG" 2>&1; then
  cat "$LOG" >&2
  rm -f "$LOG"
  exit 1
fi
rm -f "$LOG"
