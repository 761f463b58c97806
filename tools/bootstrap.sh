#!/usr/bin/env bash
# Installs what a checkout lacks, and nothing else: npm packages (Node 24 among them), PostgreSQL, Redis.
# A second call finds everything there and takes a moment. Ends with one line that says what to do where it cannot.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Npm packages are fetched by any Node from this version on; everything else runs on the Node among them.
OLDEST_NODE=20

main() {
  # Two calls in one checkout take turns; the lock is on the folder itself.
  exec 9<.
  if command -v flock >/dev/null; then flock 9; fi
  npm_packages
  servers
}

npm_packages() {
  command -v node >/dev/null && command -v npm >/dev/null ||
    fail "no node and npm on the PATH; install Node.js $OLDEST_NODE or newer: https://nodejs.org/en/download"

  # npm writes this file last, so an install that was cut short counts as none.
  local installed=node_modules/.package-lock.json
  if [ -e "$installed" ] && [ ! package-lock.json -nt "$installed" ]; then return; fi

  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge "$OLDEST_NODE" ] ||
    fail "Node.js $major is too old; install $OLDEST_NODE or newer: https://nodejs.org/en/download"

  # Somebody without a home of their own still needs a place for npm's cache and logs.
  if [ ! -w "${HOME:-/nonexistent}" ]; then export npm_config_cache="$PWD/.cache/npm"; fi
  say 'installing npm packages'
  # Exactly the versions of the lock file, as with `npm ci`, which however refuses a lock file that was written where the
  # registry lacks optional packages of other systems.
  npm install --no-save --loglevel=error --no-progress >&2 || fail 'npm install failed; its reason stands above'
  touch "$installed"
  node_modules/.bin/node --version >/dev/null ||
    fail 'the npm package "node" did not install; allow its install script (npm config get ignore-scripts) and try again'
}

servers() {
  local packages
  packages=$(missing_packages)
  if [ -z "$packages" ]; then return; fi

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
    sudo -n true 2>/dev/null || fail "missing on this machine; install with: sudo apt-get install $packages"
  fi
  command -v apt-get >/dev/null || fail "missing on this machine, and no apt-get to install it: $packages"
  say "installing $packages"
  # shellcheck disable=SC2086 # One argument per package.
  "${as_root[@]}" tools/install-servers.sh $packages || fail "apt-get could not install $packages; its reason stands above"
  packages=$(missing_packages)
  [ -z "$packages" ] || fail "still missing after apt-get install: $packages"
}

# The Debian packages of the servers that this machine lacks, in one line.
missing_packages() {
  node_modules/.bin/node --input-type=module --eval '
    const { missingDebianPackages } = await import("./src/testing/servers/binaries.ts");
    console.log(missingDebianPackages().join(" "));
  '
}

say() { echo "bootstrap: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

main
