"""What comes with the package besides code: the sample flows, and templates to begin a flow with."""

from __future__ import annotations

from pathlib import Path

from flowengine.spec.load import parse_flow


def shipped_flows() -> Path:
    """The folder of the sample flows: in an installed wheel, else in the source tree."""
    package = Path(__file__).parent.parent
    installed = package / "shipped" / "flows"
    return installed if installed.is_dir() else package.parent / "flows"


def templates() -> dict[str, Path]:
    """What flows are made from, by name: those for common jobs first, then the sample flows."""
    folder = Path(__file__).parent / "templates"
    common = [path for path in sorted(folder.glob("*.yaml")) if not path.name.endswith(".test.yaml")]
    return {path.stem: path for path in [*common, *sample_flows()]}


def description(template: Path) -> str:
    """What a template says of itself."""
    flow, _ = parse_flow(template.read_bytes(), str(template), template.stem)
    return flow.description if flow else ""


def its_test(template: Path) -> Path | None:
    """The test that comes with a template."""
    path = template.with_name(f"{template.stem}.test.yaml")
    return path if path.is_file() else None


def sample_flows() -> list[Path]:
    """The sample flows by name."""
    return sorted(shipped_flows().glob("*.yaml"))
