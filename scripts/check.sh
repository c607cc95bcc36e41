#!/usr/bin/env bash
# Types, lint, format, tidy and unit tests: what every commit must pass. Needs no root.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH"
tsc --noEmit -p .
oxlint --type-aware --quiet .
biome format .
node scripts/test.ts unit
