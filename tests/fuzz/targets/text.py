"""UTF-8 in the loops of each kind of processor: the strings and bytes that CPython makes.

An input's first byte chooses the loops, and whether the rest is bytes to be decoded or characters
to be encoded. What is read lies in memory of its own size, so that a byte beyond it is a fault.
"""

from contextlib import suppress

from hydrofoil._cext.text import LOOPS, decode, encode, use_loops

# Of bytes, and of characters of up to one, two and three bytes.
FORMS = 4


def one(data: bytes) -> None:
    if not data:
        return
    form, loops = data[0] % FORMS, LOOPS[data[0] // FORMS % len(LOOPS)]
    use_loops(loops)
    if form == 0:
        decoded(data[1:])
    else:
        encoded(characters(data[1:], form))


def decoded(data: bytes) -> None:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        expected: object = error.args
    else:
        expected = text
    try:
        found: object = decode(data)
    except UnicodeDecodeError as error:
        found = error.args
    assert found == expected, (found, expected)
    if isinstance(found, str):
        # Of one form, whoever made it: equal strings of two forms are not equal in C.
        assert found.isascii() == text.isascii() and found.__sizeof__() == text.__sizeof__()
        encoded(found)


def encoded(text: str) -> None:
    expected = found = b""
    with suppress(UnicodeEncodeError):
        expected = text.encode()
    with suppress(UnicodeEncodeError):
        found = encode(text)
    assert found == expected, (text, found, expected)
    if found:
        assert decode(found) == text


def characters(data: bytes, size: int) -> str:
    numbers = (int.from_bytes(data[i : i + size], "little") for i in range(0, len(data), size))
    return "".join(chr(number % 0x110000) for number in numbers)


def seeds() -> list[bytes]:
    """Text of different widths and lengths, for each of the loops."""
    texts = ["", "a", "ä", "row ä" * 9, "später " * 40, "日本語" * 25, "a𝄞" * 33, "x" * 200 + "é"]
    whole = [bytes([FORMS * i]) + text.encode() for i in range(len(LOOPS)) for text in texts]
    forms = [FORMS * i + form for i in range(len(LOOPS)) for form in range(1, FORMS)]
    return whole + [bytes([form]) + bytes(range(256)) for form in forms]
