#!/usr/bin/env bash
# `npm test`: sets the machine up (npm and Debian packages, stock clients) and runs everything that it can run.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup-tests.sh
export PATH="$PWD/node_modules/.bin:$PWD/.cache/clients:$PATH"
tsc --noEmit -p .
oxlint --type-aware --quiet .
biome format .
node scripts/bundle.ts
if [ "$(id -u)" -eq 0 ]; then
  node scripts/test.ts all
else
  echo "not root: the tests that need containers (groups root and e2e) are left out; run as root to include them"
  node scripts/test.ts unit
fi
