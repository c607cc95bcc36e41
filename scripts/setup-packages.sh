#!/usr/bin/env bash
# Installs those of the Debian packages below that are missing: all, or the ones that are named. Needs root.
set -euo pipefail

# What a package is known by: a command, or a file; - where neither says it.
table="
containerd               containerd
runc                     runc
containernetworking-plugins /usr/lib/cni/bridge
nftables                 nft
conntrack                conntrack
iproute2                 ip
busybox-static           busybox
unzip                    unzip
openssl                  openssl
curl                     curl
util-linux               setpriv
etcd-server              etcd
python3                  -
python3-venv             -
"

is_there() {
  case $1 in
    -) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing=()
while read -r package what; do
  [ -n "$package" ] || continue
  if [ $# -gt 0 ]; then case " $* " in *" $package "*) ;; *) continue ;; esac; fi
  is_there "$what" || missing+=("$package")
done <<<"$table"
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "setup: missing: ${missing[*]} (install them as root; their names are Debian's)" >&2
  exit 1
fi
echo "setup: Debian packages ${missing[*]} (containers, service network, test images) …"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
