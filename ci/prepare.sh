#!/usr/bin/env bash
# Sees to what the build and the tests need beyond the Rust toolchain: as root on Debian it is installed, otherwise named.
# Exit 1 if the build cannot go on without what is missing. Without npm only the tests on real input are skipped, without nginx, apache2, python3 or dbus-daemon
# those that need them.
set -uo pipefail

has() { command -v "$1" >/dev/null 2>&1; }
compiles_c() { echo '#include <stdio.h>' | cc -x c -E - >/dev/null 2>&1; }

missing_packages() {
    compiles_c || echo gcc libc6-dev
    has git || echo git
    has tar || echo tar
    has npm || echo npm
    # Servers that downloads are tried with, and what redbot runs on.
    has nginx || echo nginx-light
    has apache2 || echo apache2-bin
    # A bus to tell a desktop about installations.
    has dbus-daemon || echo dbus
    python3 -c 'import ensurepip' >/dev/null 2>&1 || echo python3 python3-venv
    [ -e /etc/ssl/certs/ca-certificates.crt ] || [ ! -e /etc/debian_version ] || echo ca-certificates
}

if ! has cargo; then
    echo "cargo is missing: install Rust 1.95 or newer (https://rustup.rs)"
    exit 1
fi
for component in fmt clippy; do
    cargo "$component" --version >/dev/null 2>&1 && continue
    rustup component add "${component/#fmt/rustfmt}" || exit 1
done

mapfile -t packages < <(missing_packages | tr ' ' '\n')
if [ "${#packages[@]}" -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && has apt-get; then
        echo "installing: ${packages[*]}"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}"
    else
        echo "missing; on Debian, as root: apt-get install ${packages[*]}"
    fi
fi
if ! compiles_c || ! has git; then
    echo "cannot go on without a C compiler, its headers, and git"
    exit 1
fi
cargo --version
cc --version | head -n 1
