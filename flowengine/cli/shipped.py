"""What comes with the package besides code: the sample flows, which are also the templates of `new`."""

from __future__ import annotations

from pathlib import Path


def shipped_flows() -> Path:
    """The folder of the sample flows: in an installed wheel, else in the source tree."""
    package = Path(__file__).parent.parent
    installed = package / "shipped" / "flows"
    return installed if installed.is_dir() else package.parent / "flows"


def sample_flows() -> list[Path]:
    """The sample flows by name."""
    return sorted(shipped_flows().glob("*.yaml"))
