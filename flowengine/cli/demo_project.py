"""The demo's project folder: made anew each time, and never over something that is not a demo's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from flowengine.app.shipped import sample_flows
from flowengine.cli.errors import NotReady, WrongUsage

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.manifests.catalog import Catalog

CONTACT_FORM = "contact_form_token"
"""The secret that the sample flow `contact-form` asks of its callers."""
MARK = ".flowengine-demo"
"""A file that says: this folder may be made anew."""
STATE = ".flowengine"


def make(folder: Path) -> Path:
    """The folder with the sample flows and no history. Raises `WrongUsage` when something else is there."""
    if folder.exists() and not (folder / MARK).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongUsage(f"{folder} is there already and is not a demo's; choose another with --folder")
    _refuse_running(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).write_text(
            "The folder of `flowengine demo`, which makes it anew each time.\n", encoding="utf-8"
        )
        # So that a demo inside a repository is never committed by accident.
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        shutil.rmtree(folder / STATE, ignore_errors=True)
        shutil.rmtree(folder / "flows", ignore_errors=True)
        (folder / "flows").mkdir()
        for sample in sample_flows():
            shutil.copyfile(sample, folder / "flows" / sample.name)
    except OSError as error:
        raise WrongUsage(f"{error.filename or folder}: {error.strerror}; choose another folder with --folder") from None
    return folder


def _refuse_running(folder: Path) -> None:
    from flowengine.store.lock import holder

    database = folder.resolve() / STATE / "flowengine.db"
    if held := holder(f"sqlite:///{database}"):
        raise NotReady(
            f"a demo runs in {folder} already (process {held.get('pid')}); stop it with Ctrl-C there, "
            "or choose another folder with --folder"
        )


async def connect(settings: Settings, catalog: Catalog, accounts: Mapping[str, tuple[str, Mapping[str, str]]]) -> None:
    """Write connections.yaml, each service's stand-in with its made-up credentials, and store what is secret of them."""
    from flowengine.store import Store

    lines = ["# The demo's connections lead to stand-ins on this machine; their credentials are made up.", ""]
    stored = {CONTACT_FORM: token_urlsafe(16)}
    for name, (url, parameters) in accounts.items():
        kinds = {each.name: each for each in catalog.get(name).connection.parameters}
        lines += [
            f"{name}:",
            f"  connector: {name}",
            f"  base_url: {url}",
            "  allow_private_network: true",
            "  parameters:",
        ]
        for key, value in parameters.items():
            if key in kinds and kinds[key].secret:
                secret = f"{name}_{key}".replace("-", "_")
                stored[secret] = value
                lines.append(f'    {key}: "{{{{ secrets.{secret} }}}}"')
            else:
                lines.append(f"    {key}: {json.dumps(value)}")
        lines.append("")
    settings.connections_file.write_text("\n".join(lines), encoding="utf-8")
    async with Store.open(settings.database, write=True) as store:
        for secret, value in stored.items():
            await store.secrets.set(secret, value)
