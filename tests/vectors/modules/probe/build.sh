#!/bin/sh
# usage: build.sh OUT.wasm; needs clang with the wasm32 target, wasm-ld and python3
set -e
here=$(dirname "$0")
for candidate in ${CLANG:-clang-22 clang}; do
  command -v "$candidate" >/dev/null && clang=$candidate && break
done
[ -n "$clang" ] || { echo "No clang for wasm32. On Debian: apt-get install clang-22 lld-22 (make setup does)." >&2; exit 1; }
"$clang" --target=wasm32 -O1 -nostdlib -ffreestanding -fno-builtin -Wl,--no-entry -Wl,--export-memory \
  -Wl,--initial-memory=8388608 -Wl,-z,stack-size=65536 -o "$1.probe" "$here/probe.c"
PYTHONDONTWRITEBYTECODE=1 python3 "$here/abi.py" "$1.probe" "$1"
rm "$1.probe"
