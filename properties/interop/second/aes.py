"""AES and its chaining mode, plainly and slowly.

From FIPS 197 (the block cipher, §5; the key schedule, §5.2) and NIST SP 800-38A §6.2 (CBC). A block is 16 bytes, column
after column, as the standard's figure 3 lays the state out. Fit for tests only: its time depends on its data.
"""

BLOCK_BYTES = 16


def _double(value):
    """Times x in GF(2^8), FIPS 197 §4.2.1."""
    return ((value << 1) ^ 0x1B) & 0xFF if value & 0x80 else value << 1


def _times(left, right):
    product = 0
    while right:
        if right & 1:
            product ^= left
        left, right = _double(left), right >> 1
    return product


# Of 3, which generates all 255 elements but zero: the inverse of 3^i is 3^(255 - i).
_POWERS = [1]
for _ in range(254):
    _POWERS.append(_times(_POWERS[-1], 3))


def _substituted(value):
    """One entry of the S-box, FIPS 197 §5.1.1: the inverse in GF(2^8), zero for zero, then the affine map."""
    inverse = 0 if value == 0 else _POWERS[-_POWERS.index(value) % 255]
    rotations = (((inverse << n) | (inverse >> (8 - n))) & 0xFF for n in range(5))
    result = 0x63
    for rotation in rotations:
        result ^= rotation
    return result


S_BOX = [_substituted(value) for value in range(256)]
INVERSE_S_BOX = [S_BOX.index(value) for value in range(256)]
# The columns that MixColumns and its inverse multiply by, §5.1.3 and §5.3.3, as tables of products.
_TIMES = {factor: [_times(factor, value) for value in range(256)] for factor in (1, 2, 3, 9, 11, 13, 14)}
MIX = (2, 3, 1, 1)
INVERSE_MIX = (14, 11, 13, 9)


def expand_key(key):
    """The round keys of 16 bytes each, §5.2; 11 of them for 128 bits, 15 for 256."""
    key_words = len(key) // 4
    rounds = key_words + 6
    words = [key[4 * i : 4 * i + 4] for i in range(key_words)]
    round_constant = 1
    for i in range(key_words, 4 * (rounds + 1)):
        word = words[i - 1]
        if i % key_words == 0:
            word = bytes(S_BOX[byte] for byte in word[1:] + word[:1])
            word = bytes([word[0] ^ round_constant]) + word[1:]
            round_constant = _double(round_constant)
        elif key_words > 6 and i % key_words == 4:
            word = bytes(S_BOX[byte] for byte in word)
        words.append(_xor(words[i - key_words], word))
    return [b"".join(words[4 * i : 4 * i + 4]) for i in range(rounds + 1)]


def encrypt_block(round_keys, block):
    """Cipher(), §5.1."""
    state = _xor(block, round_keys[0])
    for round_key in round_keys[1:-1]:
        state = _xor(_mix(_shift_rows(_substitute(state, S_BOX), 1), MIX), round_key)
    return _xor(_shift_rows(_substitute(state, S_BOX), 1), round_keys[-1])


def decrypt_block(round_keys, block):
    """InvCipher(), §5.3."""
    state = _xor(block, round_keys[-1])
    for round_key in reversed(round_keys[1:-1]):
        state = _xor(_substitute(_shift_rows(state, -1), INVERSE_S_BOX), round_key)
        state = _mix(state, INVERSE_MIX)
    return _xor(_substitute(_shift_rows(state, -1), INVERSE_S_BOX), round_keys[0])


def cbc_encrypt(key, initial_vector, plain):
    """Whole blocks only: the caller pads."""
    round_keys = expand_key(key)
    blocks, previous = [], initial_vector
    for block in _blocks(plain):
        previous = encrypt_block(round_keys, _xor(block, previous))
        blocks.append(previous)
    return b"".join(blocks)


def cbc_decrypt(key, initial_vector, sealed):
    round_keys = expand_key(key)
    blocks, previous = [], initial_vector
    for block in _blocks(sealed):
        blocks.append(_xor(decrypt_block(round_keys, block), previous))
        previous = block
    return b"".join(blocks)


def _blocks(data):
    if len(data) % BLOCK_BYTES != 0:
        raise ValueError("not whole blocks")
    return [data[i : i + BLOCK_BYTES] for i in range(0, len(data), BLOCK_BYTES)]


def _xor(left, right):
    return bytes(a ^ b for a, b in zip(left, right))


def _substitute(state, box):
    return bytes(box[byte] for byte in state)


def _shift_rows(state, direction):
    """Row r of the four moves by r columns: to the left (1), or back (-1)."""
    return bytes(state[(i + direction * 4 * (i % 4)) % BLOCK_BYTES] for i in range(BLOCK_BYTES))


def _mix(state, factors):
    """Each column times the circulant matrix whose first row is `factors`."""
    mixed = bytearray()
    for start in range(0, BLOCK_BYTES, 4):
        column = state[start : start + 4]
        for row in range(4):
            byte = 0
            for i in range(4):
                byte ^= _TIMES[factors[(i - row) % 4]][column[i]]
            mixed.append(byte)
    return bytes(mixed)
