# shellcheck shell=bash
# Sourced: the base image of the Dockerfile out of Debian's packages and npm's copy of Node, for machines that cannot
# reach a registry of images. Like the real one it has Node, npm and a user 1000 called node.
# shellcheck disable=SC2154 # who sources this sets $work

# make_base_image node:22-bookworm-slim
make_base_image () {
  local node_major=${1#*:}
  docker image inspect "$1" >/dev/null 2>&1 && return
  make_root_file_system "$work/root.tar" && gather_node "$work/root" "${node_major%%-*}" || return
  cat >"$work/base.Dockerfile" <<'END'
FROM debian-root:bookworm
COPY . /
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node
CMD ["node"]
END
  docker import "$work/root.tar" debian-root:bookworm >/dev/null &&
    timeout 120 docker build --quiet --network none --file "$work/base.Dockerfile" --tag "$1" "$work/root"
}

make_root_file_system () {
  [ -f "$1" ] || timeout 300 mmdebstrap --quiet --variant=minbase --include=ca-certificates \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$1"
}

# gather_node ROOT MAJOR
gather_node () {
  local root=$1 node cafile
  node=node-$(node -p 'process.platform + "-" + process.arch')
  timeout 300 npm install --prefix "$work/node" --ignore-scripts --no-audit --no-fund --silent "$node@$2" npm@10 || return
  rm -rf "$root"
  mkdir -p "$root"/usr/local/{bin,etc,lib/node_modules}
  cp "$work/node/node_modules/$node/bin/node" "$root/usr/local/bin/node"
  cp -r "$work/node/node_modules/npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
  # Where the machine trusts a certificate authority of its own, npm inside has to trust it too.
  cafile=$(npm config get cafile)
  if [ -f "$cafile" ]; then
    mkdir -p "$root/etc/ssl/certs"
    cp "$cafile" "$root/etc/ssl/certs/npm-ca.pem"
    echo 'cafile=/etc/ssl/certs/npm-ca.pem' >"$root/usr/local/etc/npmrc"
  fi
}
