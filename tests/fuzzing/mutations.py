"""Ways in which a file can be malformed, by what it is.

A mutation takes a `random.Random` and bytes, and returns other bytes.
"""

import copy
import io
import json
import re
import struct
import zipfile

import torch

_TEXTS = [
    *("", " ", "\0", "\ufeff", "\u202e", "\u2028", "\u200d", "\u0301" * 400),
    *(
        "\U0001f469\u200d\U0001f680",
        "\uff11\uff12",
        "\u3164",
        "\u00ad",
        "é" * 300,
    ),
    *("../../../etc/passwd", "/dev/null", "~", "CON", "a/b", "-rf", "%s%n"),
    *("null", "true", "no", "nan", "inf", "-inf", "1e309", "-1", "0", "1e-320"),
    *("9" * 400, "0x" + "f" * 40, "2147483648", "18446744073709551616", "1/0"),
    *("1_0", "1:30", "2026-02-30", "<script>", "'", '"', "\\", "\\ud800", "\t"),
    *("[]", "{}", "[[]]", "!!binary aaaa", "!!set {a}", "!!float x", "&a *a"),
    *("!ref <a>", "!ref <<a>>", "!new:nobody.Knows", "!new:dict", "!name:x"),
    *("!apply:os.getpid", "!tuple (1, 2)", "!copy <a>", "!include:/etc/hosts"),
    *("!PLACEHOLDER", "*nobody", "<<: 1", "? a", "|", ">", "%YAML 9.9", "---"),
    *("x" * 70_000, "(" * 300, "\r", "\x1b[31m", "\u0130", "ß" * 200),
]
_NUMBERS = ["0", "-1", "1e999", "nan", "inf", "-inf", "9" * 30, "1e-300", "0.5"]
_VALUES = [
    *(None, True, False, 0, -1, 2**31, 2**64, 10**400, 1.5, 1e308, ""),
    *("x", "\ud800", "\0", "é" * 300, [], {}, [[]], [None], {"": None}),
    *([0] * 3000, float("nan"), float("inf"), "9" * 400, ["a", 1, None]),
]
_SIZES = [0, 1, 2, 3, 7, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**63 - 1]
_MOST_BYTES = 2**21
_SEPARATORS = "|\t,;: \n=("


def mutate(chance, content, suffix=""):
    """Alter a file in one to three ways.

    Arguments
    ---------
    chance : random.Random
        What is drawn from.
    content : bytes
        Of a good file.
    suffix : str
        Of its name, which tells what it is.

    Returns
    -------
    content : bytes
        Of a bad file, most often.
    """
    ways = [*_BINARY, *_BY_SUFFIX.get(suffix, _TEXT)]
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        # what is far longer says no more
        content = chance.choice(ways)(chance, content)[:_MOST_BYTES]
    return content


def _span(chance, content, most=64):
    """Draw where a piece begins and ends."""
    start = chance.randrange(len(content) + 1)
    return start, min(len(content), start + chance.randint(1, most))


def _flip_bits(chance, content):
    altered = bytearray(content)
    for _ in range(chance.choice([1, 1, 3, 30]) if altered else 0):
        # what a file is stands at its beginning
        end = chance.choice([len(altered), min(len(altered), 100)])
        altered[chance.randrange(end)] ^= 1 << chance.randrange(8)
    return bytes(altered)


def _overwrite(chance, content):
    start, end = _span(chance, content)
    n_bytes = end - start
    new = [bytes(n_bytes), b"\xff" * n_bytes, chance.randbytes(n_bytes)]
    return content[:start] + chance.choice(new) + content[end:]


def _write_size(chance, content):
    """Let four or eight bytes be a number at the end of its range."""
    start = chance.randrange(min(len(content), 200) + 1)
    kind = chance.choice(["<H", "<I", ">I", "<Q", ">Q"])
    size = min(chance.choice(_SIZES), 2 ** (8 * struct.calcsize(kind)) - 1)
    new = struct.pack(kind, size)
    return content[:start] + new + content[start + len(new) :]


def _cut(chance, content):
    end = chance.randrange(len(content) + 1)
    return chance.choice([content[:end], content[end:], b""])


def _remove(chance, content):
    start, end = _span(chance, content, 300)
    return content[:start] + content[end:]


def _repeat(chance, content):
    start, end = _span(chance, content, 300)
    times = chance.choice([2, 2, 10, 200])
    return content[:start] + content[start:end] * times + content[end:]


def _swap(chance, content):
    a, b, c = sorted(chance.randrange(len(content) + 1) for _ in range(3))
    return content[:a] + content[b:c] + content[a:b] + content[c:]


def _add(chance, content):
    start = chance.choice([0, chance.randrange(len(content) + 1), len(content)])
    new = chance.choice(_TEXTS).encode()
    return content[:start] + new + content[start:]


def _add_bytes(chance, content):
    """Add what no UTF-8 has: halves of characters, marks of other encodings."""
    start = chance.choice([0, chance.randrange(len(content) + 1), len(content)])
    new = [b"\xed\xa0\x80", b"\xff\xfe", b"\xc3", b"\xf8\x88", b"\xe9", b"\0"]
    return content[:start] + chance.choice(new) + content[start:]


_BINARY = [_flip_bits, _overwrite, _cut, _remove, _repeat, _swap, _add_bytes]


def _as_text(content):
    return content.decode("utf-8", "surrogateescape")


def _as_bytes(text):
    return text.encode(
        "utf-8", "surrogatepass" if "\ud800" in text else "surrogateescape"
    )


def _encode_otherwise(chance, content):
    encoding = chance.choice(
        ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp1252"]
    )
    text = content.decode("utf-8", "replace")
    return text.encode(encoding, "replace")


def _end_lines_otherwise(chance, content):
    end = chance.choice([b"\r\n", b"\r", b"\n\n", b"\x0b", b"\x0c", b""])
    return content.replace(b"\n", end)


def _alter_lines(chance, content):
    """Repeat, remove, swap or move lines."""
    lines = content.splitlines(True) or [b""]
    i, j = chance.randrange(len(lines)), chance.randrange(len(lines))
    how = chance.randrange(4)
    if how == 0:
        lines[i:i] = [lines[j]] * chance.choice([1, 1, 1000])
    elif how == 1:
        del lines[i]
    elif how == 2:
        lines[i], lines[j] = lines[j], lines[i]
    else:
        lines[i] = chance.choice([b" ", b"\t", b"#", b"- "]) + lines[i]
    return b"".join(lines)


def _alter_fields(chance, content):
    """Swap, remove or empty the fields of a line, or part them otherwise."""
    lines = content.splitlines(True) or [b""]
    i = chance.randrange(len(lines))
    separator = chance.choice(_SEPARATORS).encode()
    fields = lines[i].split(separator)
    j, k = chance.randrange(len(fields)), chance.randrange(len(fields))
    how = chance.randrange(4)
    if how == 0:
        fields[j], fields[k] = fields[k], fields[j]
    elif how == 1:
        del fields[j]
    elif how == 2:
        fields[j] = chance.choice(_TEXTS).encode()
    else:
        separator = chance.choice(_SEPARATORS).encode()
    lines[i] = separator.join(fields)
    return b"".join(lines)


def _alter_word(chance, content):
    words = list(re.finditer(rb"[\w.+-]+", content))
    if not words:
        return content
    word = chance.choice(words)
    new = chance.choice(_TEXTS).encode()
    return content[: word.start()] + new + content[word.end() :]


def _alter_number(chance, content):
    numbers = list(re.finditer(rb"-?\d+(\.\d+)?", content))
    if not numbers:
        return content
    number = chance.choice(numbers)
    new = chance.choice(_NUMBERS).encode()
    return content[: number.start()] + new + content[number.end() :]


def _nest(chance, content):
    opened, closed = chance.choice(
        [
            (b"[", b"]"),
            (b'{"a":', b"}"),
            (b"- ", b""),
            (b"(", b")"),
            (b"{", b"}"),
        ]
    )
    depth = chance.choice([50, 1000, 100_000])
    start = chance.choice([0, chance.randrange(len(content) + 1)])
    new = opened * depth + chance.choice([b"", closed * depth])
    return content[:start] + new + content[start:]


_TEXT = [
    *(_add, _encode_otherwise, _end_lines_otherwise, _alter_lines, _nest),
    *(_alter_fields, _alter_fields, _alter_word, _alter_word, _alter_number),
]


def _places(value):
    """List where a JSON value can be replaced: holder and key."""
    # deeper than Python calls, where it was nested before
    holders = [value]
    while holders:
        holder = holders.pop()
        is_dict = isinstance(holder, dict)
        for key, part in holder.items() if is_dict else enumerate(holder):
            yield holder, key
            if isinstance(part, (dict, list)):
                holders.append(part)


def _draw_value(chance):
    """Draw a value of its own, which may be altered, too."""
    return copy.deepcopy(chance.choice(_VALUES))


def _alter_value(chance, value):
    """Replace, remove, rename or wrap something in a JSON value."""
    places = list(_places(value)) if isinstance(value, (dict, list)) else []
    if not places or chance.random() < 0.05:
        return chance.choice([_draw_value(chance), [value], {"a": value}])
    holder, key = chance.choice(places)
    how = chance.randrange(4)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, dict):
        holder[chance.choice(_TEXTS)] = holder.pop(key)
    elif how == 2:
        holder[key] = chance.choice([[holder[key]], {"a": holder[key]}])
    else:
        holder[key] = _draw_value(chance)
    return value


def _alter_json(chance, content):
    try:
        value = json.loads(content)
        for _ in range(chance.choice([1, 1, 3])):
            value = _alter_value(chance, value)
        text = json.dumps(value, ensure_ascii=chance.random() < 0.5)
    # it was altered before, or has too many digits for Python
    except (ValueError, RecursionError):
        return content
    return text.encode("utf-8", "surrogatepass")


def _alter_json_line(chance, content):
    lines = content.splitlines() or [b""]
    i = chance.randrange(len(lines))
    lines[i] = _alter_json(chance, lines[i])
    return b"\n".join(lines)


def _nest_anchors(chance, content):
    depth, width = chance.choice([(6, 9), (30, 2), (9, 9)])
    bomb = ["a0: &a0 [x]"]
    for i in range(depth):
        bomb.append(f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * width)}]")
    return content + ("\n" + "\n".join(bomb) + "\n").encode()


def _alter_yaml_value(chance, content):
    """Give a key another value, or none."""
    lines = content.splitlines() or [b""]
    i = chance.randrange(len(lines))
    key, colon, _ = lines[i].partition(b":")
    lines[i] = key + colon + b" " + chance.choice(_TEXTS).encode()
    return b"\n".join(lines)


def _alter_safetensors(chance, content):
    """Alter the header, and let its length be right or not."""
    size = int.from_bytes(content[:8], "little")
    header, data = content[8 : 8 + size], content[8 + size :]
    if not data:
        return content
    if chance.random() < 0.2:
        size = chance.choice(_SIZES)
        return size.to_bytes(8, "little") + header + data
    altered = chance.choice([_alter_json, _alter_number, _alter_word, _nest])
    header = altered(chance, header.rstrip())
    return len(header).to_bytes(8, "little") + header + data


def _huge_tensor(chance):
    """Draw a tensor that is small in a file, or odd in another way."""
    return chance.choice(
        [
            torch.zeros(1).expand(10**11),
            torch.zeros(1).as_strided((10**6, 10**6), (0, 0)),
            torch.full((3,), float("nan")),
            torch.zeros(3, dtype=torch.complex64),
            torch.zeros(3, dtype=torch.int8),
            torch.zeros(0),
            torch.tensor(1.0),
            torch.zeros(2, 2).to_sparse(),
            torch.sparse_coo_tensor(size=(10**6, 10**6)),
            torch.zeros(2, device="meta"),
            torch.zeros((1,) * 60),
        ]
    )


def _alter_state(chance, content):
    """Save another state, as PyTorch does."""
    try:
        state = torch.load(io.BytesIO(content), weights_only=True)
    except Exception:  # it was altered before
        return content
    if not isinstance(state, (dict, list)) or not state:
        state = {"a": state}
    holder, key = chance.choice(list(_places(state)))
    new = chance.choice([_draw_value(chance), torch.zeros(2), [state]])
    holder[key] = _huge_tensor(chance) if chance.random() < 0.6 else new
    file = io.BytesIO()
    try:
        torch.save(state, file)
    except (RuntimeError, RecursionError, UnicodeEncodeError):
        return content
    return file.getvalue()


def _alter_archive(chance, content):
    """Write a zip archive with a member that is altered, lost or immense."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # it was altered before
        return content
    if not members:
        return content
    name = chance.choice(list(members))
    # what is immense takes its time
    how = chance.choice([0, 1, 3] * 20 + [2])
    if how == 0:
        del members[name]
    elif how == 1:
        members[name] = chance.choice(_BINARY)(chance, members[name])
    elif how == 2:
        members[name] = bytes(2**27)
    else:
        members[chance.choice(_TEXTS)[:200]] = members.pop(name)
    file = io.BytesIO()
    kind = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    if how == 2:
        kind = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, member in members.items():
            archive.writestr(name.replace("\0", "") or "x", member)
    return file.getvalue()


def _alter_chunk(chance, content):
    """Let a chunk of RIFF or FORM have another size, order or number."""
    at = [m.start() for m in re.finditer(rb"fmt |data|COMM|SSND|LIST", content)]
    if not at:
        return _write_size(chance, content)
    start = chance.choice(at)
    how = chance.randrange(3)
    if how == 0:
        size = struct.pack("<I", min(chance.choice(_SIZES), 2**32 - 1))
        return content[: start + 4] + size + content[start + 8 :]
    if how == 1:
        end = min(len(content), start + 24)
        return content[:start] + content[start:end] + content[start:]
    place = start + 8 + chance.randrange(16)
    size = struct.pack("<H", min(chance.choice(_SIZES), 2**16 - 1))
    return content[:place] + size + content[place + 2 :]


_JSON = [*_TEXT, *[_alter_json] * 10]
_YAML = [*_TEXT, *[_alter_yaml_value] * 6, _nest_anchors]
_SOUND = [*[_write_size] * 4, *[_alter_chunk] * 4]
_BY_SUFFIX = {
    ".json": _JSON,
    ".jsonl": [*_TEXT, *[_alter_json_line] * 10],
    ".yaml": _YAML,
    ".safetensors": [_write_size, *[_alter_safetensors] * 10],
    ".ckpt": [_write_size, *[_alter_state] * 8, *[_alter_archive] * 4],
    ".npy": [_write_size, _alter_word, _alter_number, _alter_number],
    **dict.fromkeys([".wav", ".flac", ".ogg", ".mp3", ".aiff"], _SOUND),
}
