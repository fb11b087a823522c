# shellcheck shell=bash
# Sourced: a Docker engine made of Debian's packages in the folder $work, for machines that have none. Its daemon runs
# twice: in the machine's network to build, because npm must be reached, and to run in a network of its own, where it
# makes bridges and rules that the machine does not notice. Its mounts are its own too, and go with it.
# shellcheck disable=SC2154 # who sources this sets $work

engine=$work/engine
engine_pid=
leftovers=()

# Says why no engine can be made here; fails when one can.
why_no_engine () {
  if [ "$(id -u)" != 0 ]; then echo 'there is no Docker engine to use, and only root can make one'
  elif ! grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then echo 'there is no Docker engine to use, and it can only be made on Debian 12'
  elif ! unshare --mount --net true 2>/dev/null; then echo 'there is no Docker engine to use, and this machine allows no namespaces to make one'
  else return 1
  fi
}

# What has to be in its place is installed, and starts nothing; what would start a service is only unpacked.
fetch_engine () {
  timeout 120 apt-get update -qq &&
    timeout 300 apt-get install -y -qq --no-install-recommends runc iptables iproute2 docker-compose mmdebstrap >"$work/apt.log" 2>&1 || return
  [ ! -x "$engine/usr/sbin/dockerd" ] || return 0
  mkdir -p "$work/packages"
  (cd "$work/packages" && timeout 300 apt-get download -qq -o APT::Sandbox::User=root docker.io containerd tini) || return
  local package
  for package in "$work"/packages/*.deb; do dpkg -x "$package" "$engine" || return; done
}

use_engine () {
  export PATH=$engine/usr/bin:$engine/usr/sbin:$PATH
  export DOCKER_HOST=unix://$work/docker.sock DOCKER_CONFIG=$work/config DOCKER_BUILDKIT=1
  local path
  for path in /etc/docker /run/docker /run/containerd; do [ -e "$path" ] || leftovers+=("$path"); done
}

# start_engine build|run
start_engine () {
  local spaces=(--mount) network=(--bridge=none --iptables=false --ip6tables=false --ip-forward=false)
  [ "$1" = build ] || { spaces=(--mount --net); network=(--ip6tables=false); }
  # shellcheck disable=SC2016 # for the inner shell
  unshare "${spaces[@]}" bash -c '[ "$0" = build ] || ip link set lo up; exec "$@"' "$1" \
    dockerd --host "$DOCKER_HOST" --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/dockerd.pid" \
    --cgroup-parent "/docker-test-$$" --init-path "$engine/usr/bin/tini-static" "${network[@]}" >"$work/dockerd-$1.log" 2>&1 &
  engine_pid=$!
  for _ in {1..120}; do
    docker info >/dev/null 2>&1 && return
    kill -0 "$engine_pid" 2>/dev/null || break
    sleep 0.25
  done
  tail -3 "$work/dockerd-$1.log" >&2
  return 1
}

# The daemon stops its containers and their supervisors; when it does not end in time, it is killed.
stop_engine () {
  [ -n "$engine_pid" ] || return 0
  kill "$engine_pid" 2>/dev/null || true
  for _ in {1..120}; do
    kill -0 "$engine_pid" 2>/dev/null || break
    sleep 0.25
  done
  kill -9 "$engine_pid" 2>/dev/null || true
  wait "$engine_pid" 2>/dev/null || true
  engine_pid=
}

# What the daemon wrote outside of its folders, where nothing was before.
remove_leftovers () {
  if [ "${#leftovers[@]}" -gt 0 ]; then rm -rf "${leftovers[@]}"; fi
  find /sys/fs/cgroup -depth -type d -path "*/docker-test-$$*" -exec rmdir {} + 2>/dev/null || true
}

# Runs a command where the published ports of the containers are.
beside_engine () {
  if [ -n "$engine_pid" ]; then nsenter --net="/proc/$engine_pid/ns/net" "$@"; else "$@"; fi
}
