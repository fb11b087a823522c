# shellcheck shell=bash
# Sourced: images of HAProxy and Valkey out of Debian's packages, for machines that cannot reach a registry of images, under
# the tags that the compose file names. HAProxy is an older one, and Redis stands in for Valkey, which Debian 12 does not have:
# what runs here shows that the files fit together, and not what those versions do.
# shellcheck disable=SC2154 # who sources this sets $work

# make_stand_ins FILE
make_stand_ins () {
  local haproxy valkey
  haproxy=$(sed -n 's/^ *image: \(haproxy:.*\)/\1/p' "$1")
  valkey=$(sed -n 's/^ *image: \(valkey\/.*\)/\1/p' "$1")
  [ -n "$haproxy" ] && [ -n "$valkey" ] || return
  docker image inspect "$haproxy" "$valkey" >/dev/null 2>&1 && return
  [ -f "$work/services.tar" ] || timeout 300 mmdebstrap --quiet --variant=minbase --include=haproxy,redis-server \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$work/services.tar" || return
  docker import "$work/services.tar" debian-services:bookworm >/dev/null || return
  mkdir -p "$work/nothing"
  docker build --quiet --network none --tag "$haproxy" --file - "$work/nothing" <<'END' || return
FROM debian-services:bookworm
USER haproxy
ENTRYPOINT ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
END
  docker build --quiet --network none --tag "$valkey" --file - "$work/nothing" <<'END' || return
FROM debian-services:bookworm
RUN ln -s redis-server /usr/bin/valkey-server && ln -s redis-cli /usr/bin/valkey-cli && mkdir /data && chown redis: /data
USER redis
WORKDIR /data
END
  echo "$haproxy and $valkey are stand-ins of $(docker run --rm --network none --entrypoint haproxy "$haproxy" -v | head -1 | cut -d' ' -f1-3) and $(docker run --rm --network none "$valkey" redis-server --version | cut -d' ' -f1-3)"
}
