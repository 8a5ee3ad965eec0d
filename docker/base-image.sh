#!/bin/bash
# What `docker-compose up` needs on a Debian 12 machine, made where it is missing: Docker from Debian, a running dockerd, and
# the two base images. Where a registry answers (TIP_REGISTRY=1) these are pulled; else local stand-ins are built from the
# machine's own apt sources, with the certificates and the npm registry it uses, so that later layers come from there, too.
# They hold the address of its mirror: never push them anywhere. As root or with sudo.
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
    pid_file=/var/run/docker.pid # of a machine that went down: the number may be another process's now, and dockerd gives up
    if [ -e $pid_file ] && [ "$(cat "/proc/$(cat $pid_file)/comm" 2>/dev/null)" != dockerd ]; then rm $pid_file; fi
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
./debian.sh $base
if ! have $postgres; then
    say "making $postgres from Debian's package"
    DOCKER_BUILDKIT=0 docker build -q -t $postgres postgres >/dev/null
fi
docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' >&2
