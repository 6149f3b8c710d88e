#!/bin/bash
# Kamailio 5.6.3 (Debian 12, kamailio and kamailio-utils-modules 5.6.3-2): the value of a function in a condition.
# Expected: if (http_client_query(url, "$var(a)") == 200) is true when the function gives 200, as the variable does after
#   $var(c) = http_client_query(url, "$var(a)").
# Seen: the condition is never true; $var(c) is 200, and $var(c) == 200 is true. No warning when the file is read.
# What depends on it: a proxy that asks a service before it dials would send every call to the trunk.
# Needs apt (Debian 12), dpkg, python3 and libcurl. Works in a temporary folder, and fails when this changes.
set -euo pipefail
folder=$(mktemp -d)
server=""
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -q kamailio=5.6.3-2 kamailio-utils-modules=5.6.3-2 >/dev/null
for package in ./*.deb; do dpkg -x "$package" root; done
modules=$(dirname "$(find root -name tm.so)")

cat >proxy.cfg <<'CFG'
#!KAMAILIO
children=1
log_stderror=yes
debug=1
listen=udp:127.0.0.1:5599
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "rtimer.so"
loadmodule "http_client.so"
modparam("rtimer", "timer", "name=once;interval=1;mode=1;")
modparam("rtimer", "exec", "timer=once;route=ASK")
request_route { exit; }
route[ASK] {
  if (http_client_query("http://127.0.0.1:5598/proxy.cfg", "$var(a)") == 200) xlog("L_ERR", "SEEN condition equal\n");
  else xlog("L_ERR", "SEEN condition different\n");
  $var(c) = http_client_query("http://127.0.0.1:5598/proxy.cfg", "$var(a)");
  if ($var(c) == 200) xlog("L_ERR", "SEEN variable equal\n");
  else xlog("L_ERR", "SEEN variable different\n");
}
CFG
python3 -m http.server 5598 --bind 127.0.0.1 >/dev/null 2>&1 &
server=$!
sleep 1
timeout 5 root/usr/sbin/kamailio -f proxy.cfg -L "$modules" -DD -E -m 32 -w . -Y . >log 2>&1 || true
seen=$(grep -o 'SEEN .*' log | head -2 | tr '\n' ',')
echo "$(root/usr/sbin/kamailio -v | head -1): $seen"
[ "$seen" = "SEEN condition different,SEEN variable equal," ]
