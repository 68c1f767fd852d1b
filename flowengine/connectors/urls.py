"""URLs: joining, filling placeholders, encoding."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from flowengine.connectors.draft import QueryPair
from flowengine.errors import InvalidInputs

_PLACEHOLDER = re.compile(r"\{([^{}/?]+)\}")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\r\n\0]")
_LITERAL_SAFE = "/%:@!$&'()*+,;=~"


def refuse_control_characters(parameter: str, text: str, where: str) -> str:
    """`text`, or `InvalidInputs` when it holds CR, LF or NUL, which would let it reach beyond its place."""
    if _CONTROL.search(text):
        raise InvalidInputs(f"{parameter}: a {where} cannot hold a line break or a NUL character", parameter=parameter)
    return text


def encode_segment(parameter: str, text: str, *, double: bool = False) -> str:
    """A value for a place in the path. It can never add a segment or climb out of its own."""
    refuse_control_characters(parameter, text, "path")
    if not text:
        raise InvalidInputs(f"{parameter} is empty, and the address cannot be without it", parameter=parameter)
    encoded = quote(text, safe="")
    return quote(encoded, safe="") if double else encoded


def fill(path: str, values: Mapping[str, str]) -> tuple[str, list[QueryPair]]:
    """A path with its placeholders filled by encoded values, and the query that some definitions write into it."""
    folded = {name.lower(): value for name, value in values.items()}

    def value_of(found: re.Match[str]) -> str:
        name = found[1].strip().strip("+*")
        value = values.get(name, folded.get(name.lower()))
        if value is None:
            raise InvalidInputs(f'the definition has no parameter for "{{{name}}}" of its path', parameter=name)
        return value

    path = path.split("#", 1)[0]
    path, _, query = path.partition("?")
    parts = _PLACEHOLDER.split(path)
    # Splitting by a pattern with one group gives literal, name, literal, name, ..., literal.
    filled = "".join(
        encode_literal(part) if index % 2 == 0 else value_of(_match(part)) for index, part in enumerate(parts)
    )
    _refuse_climbing(filled)
    pairs = parse_qsl(_PLACEHOLDER.sub(value_of, query), keep_blank_values=True)
    return filled, [QueryPair(name, value) for name, value in pairs]


def _match(name: str) -> re.Match[str]:
    found = _PLACEHOLDER.fullmatch(f"{{{name}}}")
    assert found is not None
    return found


def _refuse_climbing(path: str) -> None:
    if any(segment in (".", "..") for segment in path.split("/")):
        raise InvalidInputs('a value for the path cannot be "." or ".."')


def encode_literal(path: str) -> str:
    """A path as a definition writes it, with spaces and the like encoded; escapes stay."""
    return _ESCAPE.sub("%25", quote(path, safe=_LITERAL_SAFE))


def join(base: str, path: str) -> str:
    """One slash where base and path meet."""
    if not path:
        return base
    return f"{base.rstrip('/')}/{path.lstrip('/')}"


def with_query(url: str, query: Sequence[QueryPair]) -> str:
    """The URL with the query's pairs encoded at its end."""
    if not query:
        return url
    encoded = "&".join(_pair(pair) for pair in query)
    return f"{url}{'&' if '?' in url else '?'}{encoded}"


def _pair(pair: QueryPair) -> str:
    refuse_control_characters(pair.name, pair.value, "query parameter")
    value = quote(pair.value, safe="")
    return f"{quote(pair.name, safe='$')}={quote(value, safe='') if pair.double else value}"


def rebase(base: str, other: str) -> str:
    """`base` at the place of `other`: its scheme and host, and its path when it has one."""
    old, new = urlsplit(base), urlsplit(other)
    path = new.path.rstrip("/") or old.path
    return urlunsplit((new.scheme, new.netloc, path, "", ""))


def has_host(url: str) -> bool:
    """Whether a URL can be taken apart and names a host."""
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def origin(url: str) -> str:
    """Scheme, host and port, in lower case and always with the port: what may see a connection's credentials."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    return f"{parts.scheme}://{parts.hostname or ''}:{port or {'https': 443, 'http': 80}.get(parts.scheme, 0)}".lower()
