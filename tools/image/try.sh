#!/usr/bin/env bash
# Builds the Dockerfile with buildah where no registry can be reached, and runs what came of it.
#
# The two base images are stand-ins made of this machine: its npm, the Node of this checkout, and the libraries that they need.
# So this proves the steps of the Dockerfile, what the image has in it and as whom it runs, but not the real base images.
# It needs root or user namespaces, buildah (`apt-get install buildah`) and an npm registry. Nothing is left behind.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
build() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
cleanup() { build rm --all >/dev/null 2>&1 || true; rm -rf "$work"; }
trap cleanup EXIT

node=$PWD/node_modules/node/bin/node
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
base=$work/base
mkdir -p "$base"/{bin,usr/bin,usr/local/bin,usr/local/lib,etc/ssl,tmp,root}
for program in sh rm env; do cp "$(readlink -f "$(command -v "$program")")" "$base/bin/$program"; done
cp "$base/bin/env" "$base/usr/bin/env"
cp "$node" "$base/usr/local/bin/node"
cp -rL "$npm" "$base/usr/local/lib/npm"
printf '#!/bin/sh\nexec node /usr/local/lib/npm/bin/npm-cli.js "$@"\n' > "$base/usr/local/bin/npm"
chmod +x "$base/usr/local/bin/npm"
for program in "$base"/bin/* "$node"; do ldd "$program"; done | grep -o '/[^ ]*' | sort -u | while read -r library; do
  mkdir -p "$base$(dirname "$library")"
  cp -L "$library" "$base$library"
done
cp -L /etc/resolv.conf /etc/hosts "$base/etc/"
cp -rL /etc/ssl/certs "$base/etc/ssl/"
echo 'root:x:0:0:root:/root:/bin/sh' > "$base/etc/passwd"
mkdir -p "$work/distroless/nodejs/bin" "$work/distroless/etc"
cp "$node" "$work/distroless/nodejs/bin/"
cp "$base/etc/passwd" "$work/distroless/etc/"
cp -r "$base"/lib* "$work/distroless/"

# The names that the Dockerfile asks for.
mapfile -t images < <(sed -nE 's/^FROM (--platform=\S+ )?(\S+).*/\2/p' Dockerfile)
printf 'FROM scratch\nCOPY . /\nENV PATH=/usr/local/bin:/usr/bin:/bin NODE_EXTRA_CA_CERTS=%s\n' "${NODE_EXTRA_CA_CERTS:-}" |
  build bud --quiet --tag "docker.io/library/${images[0]}" -f - "$base"
printf 'FROM scratch\nCOPY . /\n' | build bud --quiet --tag "${images[1]}" -f - "$work/distroless"

build bud --pull-never --isolation chroot --tag gpu-classroom .
container=$(build from --pull-never gpu-classroom)
run() { build run --isolation chroot "$container" -- /nodejs/bin/node "$@"; }
test "$(run --print 'process.getuid() + " " + process.cwd()')" = '65532 /app'
for program in operator.js gateway.js; do run "$program" --help > /dev/null; done
run kubectl-classroom.js --version
run --eval 'JSON.parse(fs.readFileSync("sbom.cdx.json"))'
echo 'The image was built, and runs as 65532.'
