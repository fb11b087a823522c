#!/usr/bin/env bash
# Builds the image with labels that tell what it was built from.
# usage: docker/build.sh TAG [argument of docker build]…
set -euo pipefail
cd "$(dirname "$0")/.."

# Only an address others can open, and without the credentials it may bear.
source=$(git config --get remote.origin.url | sed -nE 's#^(https://)([^/@]*@)?(.*)$#\1\3#; s#\.git$##; /^https:/p' || true)

docker build "${@:2}" --tag "$1" \
  --build-arg VERSION="$(node -p 'require("./package.json").version')" \
  --build-arg REVISION="$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
  --build-arg CREATED="$(git log -1 --format=%cI 2>/dev/null || echo unknown)" \
  --build-arg SOURCE="${source:-unknown}" \
  .
