#!/bin/bash
# What `docker-compose up` needs on a Debian 12 machine, made where it is missing: Docker from Debian, a running dockerd, and
# the two base images. Where a registry answers (TIP_REGISTRY=1) these are pulled; else local stand-ins are built from the
# machine's own apt sources. Those hold the address of its mirror: never push them anywhere. As root or with sudo.
set -euo pipefail
cd "$(dirname "$0")"
[ "$(id -u)" = 0 ] || exec sudo -E "$0" "$@"
base=debian:bookworm-slim
postgres=postgres:15-bookworm

say() { echo "base-image: $*" >&2; }
have() { docker image inspect "$1" >/dev/null 2>&1; }

missing=()
command -v dockerd >/dev/null || missing+=(docker.io iptables)
command -v docker-compose >/dev/null || docker compose version >/dev/null 2>&1 || missing+=(docker-compose)
[ -n "${TIP_REGISTRY:-}" ] || command -v mmdebstrap >/dev/null || missing+=(mmdebstrap arch-test)
if [ ${#missing[@]} -gt 0 ]; then
    printf '%s\n' "${missing[@]}" | ../tools/install-packages /dev/stdin
fi

if ! docker version >/dev/null 2>&1; then
    mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
    say "starting dockerd; its log is /var/log/dockerd.log"
    setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &
    for _ in $(seq 60); do docker version >/dev/null 2>&1 && break || sleep 0.5; done
    docker version >/dev/null || { tail -20 /var/log/dockerd.log >&2; exit 1; }
fi

if [ -n "${TIP_REGISTRY:-}" ]; then
    docker pull -q $base
    docker pull -q $postgres
    exit
fi
if ! have $base; then
    say "making $base from this machine's apt sources"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    sources=$(grep -lisE '^Suites:.*bookworm' /etc/apt/sources.list.d/*.sources | head -1 || true)
    printf 'path-exclude=/usr/share/%s/*\n' man info locale lintian groff doc >"$work/dpkg"
    # no .deb and no binary cache in later layers: written at the end, since apt needs them until then
    printf '%s\n' 'APT::Install-Recommends "false";' 'APT::Keep-Downloaded-Packages "false";' \
        'Dir::Cache::pkgcache "";' 'Dir::Cache::srcpkgcache "";' >"$work/90slim"
    mapfile -t valid < <(apt-config dump Acquire::Check-Valid-Until Acquire::Check-Date | sed -n 's/;$//; s/^Acq/--aptopt=&/p')
    mmdebstrap --quiet --variant=minbase --mode=root --dpkgopt="$work/dpkg" "${valid[@]}" \
        --customize-hook="copy-in $work/90slim /etc/apt/apt.conf.d" \
        --customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname"' \
        --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin' \
        bookworm "$work/root.tar" "${sources:-/etc/apt/sources.list}" >&2
    docker import --change 'CMD ["bash"]' "$work/root.tar" $base >/dev/null
fi
if ! have $postgres; then
    say "making $postgres from Debian's package"
    DOCKER_BUILDKIT=0 docker build -q -t $postgres postgres >/dev/null
fi
docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' >&2
