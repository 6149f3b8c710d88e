"""TLS 1.2's records and alerts, protected by AES-CBC and then HMAC-SHA1.

From RFC 5246 (§4 presentation language, §6.2 records, §7.2 alerts) and RFC 7366 (encrypt-then-MAC), whose record is

    type, version, length | IV | AES-CBC(content, padding) | HMAC-SHA1(sequence number, type, version, length', IV, ...)

where length' does not count the MAC.
"""

import contextlib
import hmac
import secrets
import struct

import aes

VERSION = b"\x03\x03"
FRAGMENT_BYTES_MAX = 1 << 14
MAC_BYTES = 20

# ContentType, RFC 5246 §6.2.1
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23

# AlertLevel and AlertDescription, RFC 5246 §7.2; unknown_psk_identity is RFC 5054's
WARNING, FATAL = 1, 2
CLOSE_NOTIFY, UNEXPECTED_MESSAGE, BAD_RECORD_MAC, RECORD_OVERFLOW = 0, 10, 20, 22
HANDSHAKE_FAILURE, ILLEGAL_PARAMETER, DECODE_ERROR, DECRYPT_ERROR = 40, 47, 50, 51
PROTOCOL_VERSION, INSUFFICIENT_SECURITY, UNSUPPORTED_EXTENSION, UNKNOWN_PSK_IDENTITY = 70, 71, 110, 115


class Alerted(Exception):
    """A fatal alert ended the connection. `by` is "us" or "peer", `code` an AlertDescription."""

    def __init__(self, code, by, why):
        super().__init__(f"alert {code} by {by}: {why}")
        self.code, self.by = code, by


class StreamEnded(Exception):
    """The stream is over. `in_order`: the peer said close_notify before."""

    def __init__(self, in_order):
        super().__init__("close_notify" if in_order else "cut off")
        self.in_order = in_order


class Refused(Exception):
    """What the peer sent cannot be taken; it is told by this alert."""

    def __init__(self, code, why):
        super().__init__(why)
        self.code = code


# Bytes, RFC 5246 §4


def vector(length_bytes, data):
    """`data` behind its length: a variable-length vector, §4.3."""
    return len(data).to_bytes(length_bytes, "big") + data


def number_of(data):
    return int.from_bytes(data, "big")


def bytes_of(number):
    """Without zero bytes in front, RFC 5054 §2.1."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


class Reader:
    """Reads a message from its start; whatever is too short ends in decode_error."""

    def __init__(self, data):
        self._data, self._at = data, 0

    def take(self, size):
        if self._at + size > len(self._data):
            raise Refused(DECODE_ERROR, "a message shorter than its fields")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size):
        return number_of(self.take(size))

    def vector(self, length_bytes):
        return self.take(self.number(length_bytes))

    @property
    def is_at_end(self):
        return self._at == len(self._data)

    def end(self):
        if not self.is_at_end:
            raise Refused(DECODE_ERROR, "a message longer than its fields")


# Records, RFC 5246 §6.2


class Protection:
    """One direction's keys: AES-CBC, then HMAC-SHA1 over what was encrypted, RFC 7366 §3."""

    def __init__(self, mac_key, cipher_key):
        self._mac_key, self._cipher_key, self._sequence = mac_key, cipher_key, 0

    def _mac(self, kind, sealed):
        # The length is that of IV and ciphertext, without the MAC.
        header = struct.pack(">QB2sH", self._sequence, kind, VERSION, len(sealed))
        self._sequence += 1
        return hmac.digest(self._mac_key, header + sealed, "sha1")

    def seal(self, kind, plain):
        # Each byte of padding, and its length in front of nothing, has the same value, RFC 5246 §6.2.3.2.
        padding = -(len(plain) + 1) % aes.BLOCK_BYTES
        initial_vector = secrets.token_bytes(aes.BLOCK_BYTES)
        padded = plain + bytes([padding]) * (padding + 1)
        sealed = initial_vector + aes.cbc_encrypt(self._cipher_key, initial_vector, padded)
        return sealed + self._mac(kind, sealed)

    def open(self, kind, body):
        sealed, mac = body[:-MAC_BYTES], body[-MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(kind, sealed)):
            raise Refused(BAD_RECORD_MAC, "a MAC that is wrong")
        if len(sealed) < 2 * aes.BLOCK_BYTES or len(sealed) % aes.BLOCK_BYTES != 0:
            raise Refused(BAD_RECORD_MAC, "a record of broken blocks")
        initial_vector, encrypted = sealed[: aes.BLOCK_BYTES], sealed[aes.BLOCK_BYTES :]
        padded = aes.cbc_decrypt(self._cipher_key, initial_vector, encrypted)
        padding = padded[-1]
        if padded[-padding - 1 :] != bytes([padding]) * (padding + 1):
            raise Refused(BAD_RECORD_MAC, "padding that is wrong")
        return padded[: -padding - 1]


class Records:
    """Records over a socket; in the clear until `protect_writing` and `protect_reading` are set."""

    def __init__(self, socket):
        self.socket = socket
        self.protect_writing = None
        self.protect_reading = None

    def send(self, kind, plain):
        for start in range(0, max(1, len(plain)), FRAGMENT_BYTES_MAX):
            body = plain[start : start + FRAGMENT_BYTES_MAX]
            if self.protect_writing is not None:
                body = self.protect_writing.seal(kind, body)
            self.socket.sendall(bytes([kind]) + VERSION + vector(2, body))

    def send_alert(self, level, code):
        # The peer may have gone already; nothing is lost by that.
        with contextlib.suppress(OSError):
            self.send(ALERT, bytes([level, code]))

    def receive(self):
        """The next record's kind and content; alerts end in an exception."""
        header = self._read_exactly(5)
        kind, length = header[0], number_of(header[3:5])
        if header[1] != 3:
            raise Refused(PROTOCOL_VERSION, "a record of no version that we know")
        if length > FRAGMENT_BYTES_MAX + 2048:
            raise Refused(RECORD_OVERFLOW, "a record that is too long")
        body = self._read_exactly(length)
        if self.protect_reading is not None:
            body = self.protect_reading.open(kind, body)
        if kind == ALERT:
            self._end_by_alert(body)
        return kind, body

    def _end_by_alert(self, body):
        if len(body) != 2:
            raise Refused(DECODE_ERROR, "an alert of no two bytes")
        if body[1] == CLOSE_NOTIFY:
            raise StreamEnded(in_order=True)
        raise Alerted(body[1], "peer", "its own reasons")

    def _read_exactly(self, size):
        held = b""
        while len(held) < size:
            chunk = self.socket.recv(size - len(held))
            if chunk == b"":
                raise StreamEnded(in_order=False)
            held += chunk
        return held


@contextlib.contextmanager
def refusing_by_alert(records):
    try:
        yield
    except Refused as refused:
        records.send_alert(FATAL, refused.code)
        raise Alerted(refused.code, "us", str(refused)) from refused
