#!/bin/bash
# debian.sh IMAGE: a local stand-in for Debian's image of that name, made from this machine's apt sources, with the certificates
# and the npm registry that it uses. It is made anew when one of them has changed; what came from a registry stays.
set -euo pipefail
cd "$(dirname "$0")"
image=$1
sources=$(grep -lisE '^Suites:.*bookworm' /etc/apt/sources.list.d/*.sources | head -1 || true)
sources=${sources:-/etc/apt/sources.list}
certificates=/usr/local/share/ca-certificates
registry=$(npm config get registry 2>/dev/null || true)
made_of="stand-in $({ cat "$sources" debian.sh; cat $certificates/*.crt 2>/dev/null || true; echo "$registry"; } | sha256sum | cut -c 1-12)"
case $(docker image inspect -f '{{.Comment}}.' "$image" 2>/dev/null) in
"$made_of.") exit ;;
'' | 'stand-in '* | 'Imported from'*) ;; # none, or one of another day
*) exit ;;
esac

echo "base-image: making $image from this machine's apt sources" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'path-exclude=/usr/share/%s/*\n' man info locale lintian groff doc >"$work/dpkg"
# no .deb and no binary cache in later layers: written at the end, since apt needs them until then
printf '%s\n' 'APT::Install-Recommends "false";' 'APT::Keep-Downloaded-Packages "false";' \
    'Dir::Cache::pkgcache "";' 'Dir::Cache::srcpkgcache "";' >"$work/90slim"
[ -z "$registry" ] || echo "registry=$registry" >"$work/npmrc"
mapfile -t valid < <(apt-config dump Acquire::Check-Valid-Until Acquire::Check-Date | sed -n 's/;$//; s/^Acq/--aptopt=&/p')
mmdebstrap --quiet --variant=minbase --mode=root --dpkgopt="$work/dpkg" "${valid[@]}" \
    --customize-hook="copy-in $work/90slim /etc/apt/apt.conf.d" \
    --customize-hook="[ ! -f $work/npmrc ] || cp $work/npmrc \"\$1/etc/npmrc\"" \
    --customize-hook="[ ! -d $certificates ] || cp -R $certificates \"\$1/usr/local/share/\"" \
    --customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname"' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin' \
    bookworm "$work/root.tar" "$sources" >&2
docker import -m "$made_of" --change 'CMD ["bash"]' "$work/root.tar" "$image" >/dev/null
