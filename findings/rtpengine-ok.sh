#!/bin/bash
# rtpengine 10.5.3.5 (Debian 12, rtpengine-daemon 10.5.3.5-1): what the result "ok" of its NG protocol says.
# Expected: an answer to an SRTP offer whose key cannot be read, and an offer with an unknown flag, are errors; UDPTL beside
#   audio is refused or secured when the transport protocol that is asked for is RTP/SAVP.
# Seen: "ok" each time. The key is passed over with a line in the log, and UDPTL is shown in the clear with a port.
# What depends on it: actors/media/rtpengine.ts judges what it hands over and what comes back, and nothing by "ok".
# Needs rtpengine-daemon (.ci/setup installs it) and python3. Fails when this changes.
set -euo pipefail
engine=""
trap '[ -z "$engine" ] || kill "$engine"' EXIT
rtpengine --config-file=none --table=-1 --foreground --log-level=0 --interface=127.0.0.1 --listen-ng=127.0.0.1:22299 \
  --port-min=35000 --port-max=35999 >/dev/null 2>&1 &
engine=$!
sleep 1
seen=$(python3 - <<'PY'
import json, re, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
def ask(n, **words):
    s.sendto(f"{n} {json.dumps(words)}".encode(), ("127.0.0.1", 22299))
    return json.loads(s.recv(65535).split(b" ", 1)[1])
head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
offer = ask(1, **{"command": "offer", "call-id": "c", "from-tag": "f", "transport-protocol": "RTP/SAVP", "DTLS": "off",
  "SDES": ["no-such-suite"], "sdp": head + "m=audio 5000 RTP/AVP 8\r\nm=image 5004 udptl t38\r\n"})
line = re.search(r"a=crypto:(\d+) (\S+)", offer["sdp"])
answer = ask(2, **{"command": "answer", "call-id": "c", "from-tag": "f", "to-tag": "t",
  "sdp": head + f"m=audio 6000 RTP/SAVP 8\r\na=crypto:{line[1]} {line[2]} inline:AAAA\r\nm=image 0 udptl t38\r\n"})
fax = int(re.search(r"m=image (\d+) udptl", offer["sdp"])[1])
print(offer["result"], "fax" if fax > 0 else "no fax", answer["result"])
PY
)
echo "$(rtpengine --version 2>&1 | head -1): $seen"
[ "$seen" = "ok fax ok" ]
