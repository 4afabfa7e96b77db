#!/bin/sh
# Install the Debian packages that the tests use, and those named as arguments. Where we may not, the tests that need
# them skip and say so.
set -eu
packages="mosquitto mosquitto-clients snmp snmpd nut-server nut-client nut-snmp libnss3-tools victoria-metrics influxdb chromium libatomic1 fonts-wqy-microhei procps iproute2 iptables libfaketime mbpoll dnsmasq-base openssh-server openssh-client rsyslog zip nginx-light kamailio sipsak keepalived systemd-journal-remote $*"
missing=""
for package in $packages; do
	dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
	echo "not a Debian machine: tests that need$missing will skip"
	exit 0
fi
if [ "$(id -u)" = 0 ]; then sudo=""; elif sudo -n true 2>/dev/null; then sudo="sudo"; else
	echo "may not install packages; tests that need these will skip:$missing"
	exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# policy-rc.d would be the usual guard; --no-install-recommends keeps it small. Services that start are harmless here.
# shellcheck disable=SC2086
$sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
	echo "could not install; tests that need these will skip:$missing"
