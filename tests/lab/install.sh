#!/bin/sh
# Installs what the live lab needs on Debian 12 or newer, as root, and the packages it is told beside.
# Starts no daemon; quick when all is there.
set -eu

packages="samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind
libnss-winbind krb5-user ldb-tools smbclient python3-samba python3-ldb tdb-tools attr
iproute2 openssl faketime libreoffice-writer libsasl2-modules-gssapi-mit libkrb5-dev gcc python3-dev
chromium poppler-utils softhsm2 default-jdk-headless libjaxb-java $*"

missing=""
for package in $packages; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed && continue
    missing="$missing $package"
done
# The lab mounts a file of its own over this one; Debian makes none where it knows no realm.
krb5=/etc/krb5.conf
[ -n "$missing" ] || [ ! -e "$krb5" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "install.sh: must run as root to install:$missing $krb5" >&2
    exit 1
fi

[ -e "$krb5" ] || : >"$krb5"
[ -n "$missing" ] || exit 0

policy=/usr/sbin/policy-rc.d
saved=""
if [ -e "$policy" ]; then
    saved=$(mktemp)
    cp -p "$policy" "$saved"
fi
restore() {
    if [ -n "$saved" ]; then mv "$saved" "$policy"; else rm -f "$policy"; fi
}
trap restore EXIT
trap 'exit 1' HUP INT TERM
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || echo "install.sh: package lists not refreshed, going on" >&2
known=""
for package in $missing; do
    # A release that has no such package ships its files in another one of the list.
    if apt-cache show "$package" >/dev/null 2>&1; then known="$known $package"; fi
done
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 $known
