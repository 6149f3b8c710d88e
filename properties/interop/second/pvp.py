"""PVP's own part: what two ends of a call make of it, and what they say once it is proved.

From docs/protocol/pvp.md: "Rounding", "User name", "Which name", "Password", "Candidates", "Wrong passwords", "The exchange".
Times are whole NTP milliseconds here, so that nothing is lost in a fraction.
"""

import dataclasses
import decimal
import hashlib
import re
import secrets
import xml.parsers.expat
from typing import Dict, List, Optional, Tuple
from xml.sax.saxutils import escape

ROUND_MS = 10_000
MINUTE_MS = 60_000
HALF_HOUR_MS = 1_800_000
BITS_MAX = 16
FITTING_MAX = 16
VERSION_1_SECONDS_MAX = 2**32 - 1
USER_NAME_BYTES_MAX = 255
FRAME_BYTES_MAX = 65_536
DOCUMENT_BYTES_MAX = 32_767
DEPTH_MAX = 8
ATTEMPTS_MAX = 3


@dataclasses.dataclass(frozen=True)
class Call:
    """What one end knows of a call. `calling` is None when the caller id was withheld."""

    called: str
    calling: Optional[str]
    start_ms: int
    stop_ms: int


@dataclasses.dataclass(frozen=True)
class Parties:
    """Who claims to whom, as the texts of the user name."""

    originator: str
    terminator: str
    vservice: str


def call_of(record):
    """A call out of JSON: called, perhaps calling, start and stop in NTP seconds."""
    return Call(record["called"], record.get("calling"), _milliseconds(record["start"]), _milliseconds(record["stop"]))


def _milliseconds(seconds):
    """Of a number as json gives it with parse_float=Decimal."""
    return int((decimal.Decimal(seconds) * 1000).to_integral_value())


# Rounding


def round_nearest(value_ms, unit_ms):
    """To the nearest multiple, halves up."""
    return (2 * value_ms + unit_ms) // (2 * unit_ms) * unit_ms


def direction_of(value_ms, unit_ms):
    """`d` for a multiple itself."""
    return "u" if round_nearest(value_ms, unit_ms) > value_ms else "d"


def round_as_told(value_ms, direction, unit_ms):
    """The terminator's step 2: near a multiple its own way, between two the other side's."""
    below = value_ms // unit_ms * unit_ms
    distance = value_ms - below
    if 4 * distance < unit_ms or 4 * distance > 3 * unit_ms:
        return round_nearest(value_ms, unit_ms)
    return below + unit_ms if direction == "u" else below


# User name


@dataclasses.dataclass(frozen=True)
class Form:
    """Which name: `bits` of the times are in one of version 2."""

    method: str
    version: int = 1
    bits: int = 0


def user_name(form, parties, call, round_ms, instant):
    """What the originator says; `instant` is B's, in NTP seconds."""
    directions = direction_of(call.start_ms, round_ms) + direction_of(call.stop_ms, round_ms)
    common = [f"vipr{form.version}", form.method, parties.originator, parties.terminator, parties.vservice, directions]
    return ";".join(common + _fields_of(form, parties, call, instant) + _more_of(form, call, round_ms))


def _more_of(form, call, round_ms):
    """What version 2 has besides."""
    if form.version == 1 or form.method == "C":
        return []
    start, stop = (round_nearest(time, round_ms) for time in (call.start_ms, call.stop_ms))
    half_hour = [str(half_hour_of(start))] if form.method == "A" else []
    return half_hour + [time_bits(start, stop)[: form.bits]]


def half_hour_of(start_ms):
    """Seconds of the full or half hour that is nearest to a rounded start, halves up."""
    return round_nearest(start_ms, HALF_HOUR_MS) // 1000


def time_bits(start_ms, stop_ms):
    digest = hashlib.sha256(f"vipr-times\0{start_ms // 1000}\0{stop_ms // 1000}".encode()).digest()
    return "".join(f"{byte:08b}" for byte in digest[: BITS_MAX // 8])


def forms_for(call, others, instant, round_ms):
    """The names of A and B, "Which name"; `others` are the originator's other calls to the number."""
    return [form for form in (_form_a(call, others, round_ms), _form_b(call, others, instant, round_ms)) if form]


def _form_a(call, others, round_ms):
    if call.calling is None:
        return None
    of_pair = [other for other in others if other.calling == call.calling]
    if not of_pair:
        return Form("A")
    half_hour = half_hour_of(round_nearest(call.start_ms, round_ms))
    direction = direction_of(call.start_ms, round_ms)
    rivals = [
        other
        for other in of_pair
        if half_hour in map(half_hour_of, _rounded_there(other.start_ms, direction, round_ms))
    ]
    return _form_apart("A", call, rivals, round_ms)


def _form_b(call, others, instant, round_ms):
    near_ms = round_ms / 2
    rivals = [
        other for other in others if other.start_ms - near_ms <= instant * 1000 <= other.stop_ms + near_ms
    ]
    if not rivals and call.stop_ms // 1000 + 60 < VERSION_1_SECONDS_MAX:
        return Form("B")
    return _form_apart("B", call, rivals, round_ms)


def _form_apart(method, call, rivals, round_ms):
    """As few bits as no rival shares; None when there are none or the rivals too many."""
    if len(rivals) >= FITTING_MAX:
        return None
    own = tuple(round_nearest(time, round_ms) for time in (call.start_ms, call.stop_ms))
    told = tuple(direction_of(time, round_ms) for time in (call.start_ms, call.stop_ms))
    bits = 0
    for rival in rivals:
        for start in _rounded_there(rival.start_ms, told[0], round_ms):
            for stop in _rounded_there(rival.stop_ms, told[1], round_ms):
                if (start, stop) != own:
                    bits = max(bits, 1 + _common(time_bits(*own), time_bits(start, stop)))
    return None if bits > BITS_MAX else Form(method, 2, bits)


def _rounded_there(time_ms, direction, round_ms):
    """What a clock that differs by less than T/4 may make of it."""
    skew_ms = round_ms // 4 - 1
    return {round_as_told(time_ms + away, direction, round_ms) for away in (-skew_ms, skew_ms)}


def _common(one, other):
    return next((at for at, (a, b) in enumerate(zip(one, other)) if a != b), len(one))


def _fields_of(form, parties, call, instant):
    if form.method == "A":
        return [call.called, caller_hash(call, parties)]
    if form.method == "B":
        return [call.called, str(instant)]
    minutes = [str(round_nearest(time, MINUTE_MS) // 1000) for time in (call.start_ms, call.stop_ms)]
    return minutes + [called_hash(call)]


def caller_hash(call, parties):
    parts = ["vipr-caller", call.called, call.calling or "", parties.terminator, parties.vservice]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def called_hash(call):
    return hashlib.sha256(call.called.encode()).hexdigest()[:2]


def draw_instant(call):
    """A whole second between start and stop, both included; the nearest to the start when there is none."""
    first, last = -(-call.start_ms // 1000), call.stop_ms // 1000
    if first > last:
        return round_nearest(call.start_ms, 1000) // 1000
    return first + secrets.randbelow(last - first + 1)


_COMMON_FORMS = ["vipr[12]", "[ABC]", "[0-9a-f]{32}", "[0-9a-f]{32}", "[0-9a-f]{16}", "[ud]{2}"]
_NUMBER, _SECONDS, _LONG_SECONDS = r"\+[1-9][0-9]{0,14}", "0|[1-9][0-9]{0,9}", "0|[1-9][0-9]{0,11}"
_BITS = "[01]{0,16}"
_METHOD_FORMS = {
    ("vipr1", "A"): [_NUMBER, "[0-9a-f]{16}"],
    ("vipr1", "B"): [_NUMBER, _SECONDS],
    ("vipr1", "C"): [_SECONDS, _SECONDS, "[0-9a-f]{2}"],
    ("vipr2", "A"): [_NUMBER, "[0-9a-f]{16}", _LONG_SECONDS, _BITS],
    ("vipr2", "B"): [_NUMBER, _LONG_SECONDS, _BITS],
    ("vipr2", "C"): [_LONG_SECONDS, _LONG_SECONDS, "[0-9a-f]{2}"],
}


@dataclasses.dataclass(frozen=True)
class Claim:
    """A user name, taken apart; `fields` are those of its method."""

    version: int
    method: str
    parties: Parties
    directions: str
    fields: Tuple[str, ...]

    def has_bits(self):
        return self.version == 2 and self.method != "C"


def read_user_name(text):
    """None when it is not of the one form that a user name has."""
    fields = text.split(";")
    forms = _COMMON_FORMS + _METHOD_FORMS.get(tuple(fields[:2]), [])
    is_formed = len(text) <= USER_NAME_BYTES_MAX and len(fields) == len(forms) > len(_COMMON_FORMS)
    if not is_formed or not all(re.fullmatch(form, field) for form, field in zip(forms, fields)):
        return None
    version, method, originator, terminator, vservice, directions, *own = fields
    return Claim(int(version[-1]), method, Parties(originator, terminator, vservice), directions, tuple(own))


# Password


def originator_password(method, parties, call, round_ms=ROUND_MS):
    start, stop = (round_nearest(time, round_ms) for time in (call.start_ms, call.stop_ms))
    return _password(method, parties, call, start, stop)


def terminator_password(claim, call, round_ms=ROUND_MS):
    return _password(claim.method, claim.parties, call, *rounded_for(claim, call, round_ms))


def rounded_for(claim, call, round_ms):
    """Both times as the terminator rounds them for this name."""
    times = zip((call.start_ms, call.stop_ms), claim.directions)
    return [round_as_told(time, direction, round_ms) for time, direction in times]


def _password(method, parties, call, start_ms, stop_ms):
    calling = call.calling if method == "A" else "-"
    return (
        f"start={start_ms // 1000};stop={stop_ms // 1000};called={call.called};calling={calling};m={method}"
        f";on={parties.originator};tn={parties.terminator};vs={parties.vservice}"
    )


# Candidates and wrong passwords


@dataclasses.dataclass
class Record:
    """A received call, what a proof of it brings, and how many passwords were wrong by each way of naming it."""

    call: Call
    vservice: str
    ticket: str
    routes: List[str]
    refused_domains: List[str]
    attempts: Dict[str, int] = dataclasses.field(default_factory=lambda: {"A": 0, "B and C": 0})

    def is_locked(self, method):
        return self.attempts[_way_of(method)] >= ATTEMPTS_MAX

    def charge(self, method):
        self.attempts[_way_of(method)] += 1


def _way_of(method):
    """A names a call by who called, B and C by when."""
    return "A" if method == "A" else "B and C"


class Records:
    """Those of one node. A list to walk through: the page wants an index, and so few records need none."""

    def __init__(self, node, records, round_ms=ROUND_MS):
        self._node, self._records, self._round_ms = node, records, round_ms

    def is_ours(self, claim):
        return claim.parties.terminator == self._node

    def find(self, claim):
        """The record that the name means, or None; why there is none: to the peer all reasons look alike; and whom a
        wrong password counts against."""
        if claim is None:
            return None, "no user name", []
        fitting = [record for record in self._records if self._fits(claim, record)]
        if len(fitting) > (FITTING_MAX if claim.has_bits() else 1):
            return None, "several", []
        charged = fitting if claim.has_bits() else []
        named = [record for record in fitting if self._is_named(claim, record)]
        if not named:
            return None, "other calls" if fitting else "unknown", charged
        if len({terminator_password(claim, record.call, self._round_ms) for record in named}) > 1:
            return None, "several", charged
        if any(record.is_locked(claim.method) for record in named):
            return None, "locked", charged
        return named[0], None, fitting

    def _is_named(self, claim, record):
        """Whether it has the bits of the name."""
        if not claim.has_bits():
            return True
        return time_bits(*rounded_for(claim, record.call, self._round_ms)).startswith(claim.fields[-1])

    def _fits(self, claim, record):
        if not self.is_ours(claim) or claim.parties.vservice != record.vservice:
            return False
        call, skew_ms = record.call, self._round_ms // 4
        if claim.method == "A":
            is_pair = claim.fields[:2] == (call.called, caller_hash(call, claim.parties)) and call.calling is not None
            return is_pair and self._is_half_hour(claim, call)
        if claim.method == "B":
            instant_ms = int(claim.fields[1]) * 1000
            is_during = call.start_ms - skew_ms <= instant_ms <= call.stop_ms + skew_ms
            return claim.fields[0] == call.called and is_during
        start, stop, called = claim.fields
        is_start = _is_minute_near(int(start), call.start_ms, skew_ms)
        is_stop = _is_minute_near(int(stop), call.stop_ms, skew_ms)
        return is_start and is_stop and called == called_hash(call)


    def _is_half_hour(self, claim, call):
        start_ms, _stop_ms = rounded_for(claim, call, self._round_ms)
        return claim.version == 1 or int(claim.fields[2]) == half_hour_of(start_ms)


def _is_minute_near(told_s, own_ms, skew_ms):
    """Whether our time, moved by T/4 at most, would round to the minute told."""
    first, last = (round_nearest(own_ms + moved, MINUTE_MS) for moved in (-skew_ms, skew_ms))
    return told_s * 1000 % MINUTE_MS == 0 and first <= told_s * 1000 <= last


# The exchange


class Foreign(Exception):
    """A user name for another server's node: whoever says it was led here, and gets no handshake."""


class Malformed(Exception):
    """A frame or a document that is not as the page has it."""


def write_frame(stream, document):
    stream.write(len(document).to_bytes(4, "big") + document)


def read_frame(stream):
    """One document, its size looked at before it is read."""
    size = int.from_bytes(stream.read_exactly(4), "big")
    if not 1 <= size <= FRAME_BYTES_MAX:
        raise Malformed(f"a frame of {size} bytes")
    return stream.read_exactly(size)


def write_request(number, domain):
    text = f'<valrequest xmlns="urn:vipr:pvp:1">{_element("number", number)}{_element("domain", domain)}</valrequest>'
    return text.encode()


def read_request(document):
    """Number and domain."""
    name, _attributes, texts = read_document(document)
    if name != "valrequest":
        raise Malformed(f"<{name}> is no request")
    return _one(texts, "valrequest/number"), _one(texts, "valrequest/domain")


def write_valinfo(number, ticket, routes):
    uris = "".join(f"<route>{_element('SIPURI', uri)}</route>" for uri in routes)
    return f"<valinfo>{_element('number', number)}{_element('ticket', ticket)}{uris}</valinfo>".encode()


def write_valerror(code):
    return f'<valerror code="{code}"/>'.encode()


def read_answer(document):
    """("valinfo", number, ticket, routes), or ("valerror", code)."""
    name, attributes, texts = read_document(document)
    if name == "valerror":
        if attributes.get("code") not in ("403", "404", "503"):
            raise Malformed("a valerror of no code that we know")
        return "valerror", int(attributes["code"])
    if name != "valinfo":
        raise Malformed(f"<{name}> is no answer")
    routes = [text for path, text in texts if path == "valinfo/route/SIPURI"]
    return "valinfo", _one(texts, "valinfo/number"), _one(texts, "valinfo/ticket"), routes


def _element(name, text):
    return f"<{name}>{escape(text)}</{name}>"


def _one(texts, path):
    found = [text for at, text in texts if at == path]
    if len(found) != 1 or found[0] == "":
        raise Malformed(f"not one {path}")
    return found[0]


def read_document(document):
    """The root's name and attributes, and each element's path and text, as far as the page lets XML go."""
    if len(document) > DOCUMENT_BYTES_MAX:
        raise Malformed("a document that is too long")
    reading = _Reading()
    try:
        reading.parser.Parse(document, True)
    except xml.parsers.expat.ExpatError as error:
        raise Malformed("not well-formed") from error
    return reading.root, reading.attributes, reading.texts


class _Reading:
    """Expat's events, gathered. Names lose their prefixes: "namespaces are not looked at"."""

    def __init__(self):
        self.root, self.attributes, self.texts = "", {}, []
        self._path, self._held = [], []
        self.parser = parser = xml.parsers.expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = lambda text: self._held[-1].append(text)
        for forbidden in ("StartDoctypeDeclHandler", "CommentHandler", "StartCdataSectionHandler"):
            setattr(parser, forbidden, self._refuse)

    def _start(self, name, attributes):
        name = name.split(":")[-1]
        self._path.append(name)
        self._held.append([])
        if len(self._path) > DEPTH_MAX:
            raise Malformed("a document that is too deep")
        if len(self._path) == 1:
            self.root, self.attributes = name, attributes

    def _end(self, _name):
        text = "".join(self._held.pop()).strip()
        self.texts.append(("/".join(self._path), text))
        self._path.pop()

    def _refuse(self, *_what):
        raise Malformed("a document type, a comment or a CDATA section")
