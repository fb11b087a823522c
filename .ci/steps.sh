# shellcheck shell=bash
# Sourced: runs named steps, and tells at the end how long each one took.

steps=()

# step NAME COMMAND…: fails when the command does, and then errors inside the command do not end it by themselves.
step () {
  local name=$1 began=$SECONDS
  shift
  echo "== $name"
  "$@" || { echo "== $name failed after $((SECONDS - began)) s"; return 1; }
  steps+=("$((SECONDS - began)) $name")
  echo "== $name took $((SECONDS - began)) s"
}

# skip_step NAME REASON
skip_step () {
  echo "== $1: skipped, $2"
  steps+=("- $1 (skipped)")
}

print_steps () {
  local line sum=0
  echo '== seconds'
  for line in "${steps[@]}"; do
    printf '%6s  %s\n' "${line%% *}" "${line#* }"
    [ "${line%% *}" = - ] || sum=$((sum + ${line%% *}))
  done
  printf '%6s  in all\n' "$sum"
  [ "$sum" -le 2400 ] || echo '== WARNING: more than 40 minutes, which is more than anybody waits for'
}
