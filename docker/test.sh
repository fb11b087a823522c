#!/usr/bin/env bash
# Proves the image and the files that ship with it: builds it, runs it as hardened as they do, chats with it, stops it in
# the middle of an answer, runs the compose files, and prints sizes and times.
#
# Uses the Docker engine that is there. Where there is none, root on Debian 12 makes one in a temporary folder, which
# leaves the machine's network alone and is taken away at the end. Elsewhere it says why it does nothing.
#   DOCKER_TEST_DIR=DIR     keeps engine and base image there for the next run
#   DOCKER_TEST_REQUIRED=1  fails where it would do nothing
set -euo pipefail
cd "$(dirname "$0")/.."

export IMAGE=workers-ai-proxy:test
base=$(sed -n 's/^ARG NODE_IMAGE=//p' Dockerfile)
work=${DOCKER_TEST_DIR:-$(mktemp -d)}
mkdir -p "$work"

source .ci/steps.sh
source docker/test/engine.sh
source docker/test/base-image.sh
source docker/test/stand-ins.sh

give_up () {
  echo "test:docker skipped: $*"
  [ -z "${DOCKER_TEST_REQUIRED:-}" ] || exit 1
  exit 0
}

clean_up () {
  if [ -n "$engine_pid" ]; then stop_engine; fi
  remove_leftovers
  if [ -z "${DOCKER_TEST_DIR:-}" ]; then rm -rf "$work"; fi
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

build_image () {
  timeout 900 docker/build.sh "$IMAGE" "$@" >"$work/build.log" 2>&1 || { tail -40 "$work/build.log"; return 1; }
}

test_image () {
  beside_engine timeout 900 npx tap run --disable-coverage --jobs=1 --timeout=300 test/docker/dockerfile.test.ts docker/test/*.test.ts
}

numbers () {
  beside_engine timeout 300 node docker/test/numbers.mjs
}

if docker info >/dev/null 2>&1; then
  step build build_image
else
  reason=$(why_no_engine) && give_up "$reason"
  step engine fetch_engine || give_up "Debian's packages cannot be had"
  use_engine
  start_engine build || give_up 'the Docker engine does not start on this machine'
  step 'base image' make_base_image "$base"
  step 'stand-ins' make_stand_ins docker/compose.replicas.yaml
  step build build_image --network host
  stop_engine
  start_engine run || give_up 'the Docker engine makes no network on this machine'
fi
step test test_image
step numbers numbers
print_steps
