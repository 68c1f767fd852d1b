"""`connectors import`: any OpenAPI document as a connector's two files."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from flowengine.cli import place
from flowengine.cli.errors import WrongUsage
from flowengine.errors import InvalidFile, NotFound
from flowengine.manifests.checked import read_checked
from flowengine.manifests.files import DEFINITION, PROPERTIES
from flowengine.manifests.importing import Imported, import_document

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.connectors.draft import Answer

MOST_REDIRECTS = 5
SECONDS = 60.0
LARGEST = 32_000_000


def read(here: Settings, source: str) -> Imported:
    """The connector in a file or at a URL. Raises `NotFound`, `InvalidFile` and `WrongUsage`."""
    if "://" not in source:
        return _of_file(Path(source), source, "")
    url, answer = place.finish(_fetched(here, source))
    suffix = Path(urlsplit(url).path).suffix
    yaml = suffix in (".yaml", ".yml") or "yaml" in answer.headers.get("content-type", "")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / ("document.yaml" if yaml or not _is_json(answer.body) else "document.json")
        file.write_bytes(answer.body)
        return _of_file(file, source, url)


def _of_file(file: Path, called: str, url: str) -> Imported:
    if not file.is_file():
        raise NotFound(f"there is no file {called}")
    checked = read_checked(file, called)
    if checked.refused:
        raise InvalidFile(checked.findings)
    found = import_document(checked.data, url)
    if found is None:
        raise WrongUsage(f"{called} is not an OpenAPI document of version 2.0, 3.0 or 3.1 with `paths`")
    return found


def _is_json(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


async def _fetched(here: Settings, url: str) -> tuple[str, Answer]:
    """What stands at an address, and the address where it was found after redirects."""
    from flowengine.connectors.transport import Wire

    wire = Wire(largest_answer=LARGEST)
    try:
        for _ in range(MOST_REDIRECTS):
            guarded = not here.allow_private_network
            answer = await wire.exchange("GET", url, [], None, guarded=guarded, seconds=SECONDS)
            if not 300 <= answer.status < 400 or "location" not in answer.headers:
                break
            url = urljoin(url, answer.headers["location"])
    finally:
        await wire.close()
    if answer.status != 200:
        raise NotFound(f"{url} was answered {answer.status}")
    return url, answer


def write(imported: Imported, folder: Path, *, replace: bool) -> None:
    """Write the two files. Raises `WrongUsage` rather than overwrite what is there."""
    files = {folder / DEFINITION: imported.definition, folder / PROPERTIES: imported.properties}
    there = [str(file) for file in files if file.exists()]
    if there and not replace:
        raise WrongUsage(f"{there[0]} exists already; add --force to replace it, or --name for another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for file, document in files.items():
        file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
