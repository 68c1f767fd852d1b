"""`flowengine completion`: scripts that complete commands and flags in bash, zsh and fish."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from flowengine.cli import output, place
from flowengine.cli.place import AsJson

app = place.single("Completion of commands for bash, zsh or fish.")

_BASH = """\
# flowengine: completion for bash. Load it with:  source <(flowengine completion bash)
_flowengine() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} first second
  first=${{COMP_WORDS[1]}}; second=${{COMP_WORDS[2]}}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{groups}" -- "$word")); return
  fi
  case "$first/$second" in
{cases}
  esac
}}
complete -o default -F _flowengine flowengine
"""


@app.command()
def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="bash, zsh or fish.")],
    as_json: AsJson = False,
) -> None:
    """Print a completion script: source <(flowengine completion bash)"""
    script = _script(shell)
    output.done(script, as_json=as_json, completion={"shell": shell, "script": script})


def _script(shell: Literal["bash", "zsh", "fish"]) -> str:
    commands = dict(_commands())
    match shell:
        case "bash":
            return _bash(commands)
        case "zsh":
            return "autoload -U +X bashcompinit && bashcompinit\n" + _bash(commands)
        case "fish":
            return _fish(commands)


def _commands() -> Any:
    """`(group, {subcommand: flags})`; the empty subcommand stands for a group without any."""
    from typer.main import get_command

    from flowengine.cli.root import GROUPS, load

    for name in GROUPS:
        command: Any = get_command(load(name))
        inner = getattr(command, "commands", None)
        yield name, {sub: _flags(each) for sub, each in inner.items()} if inner else {"": _flags(command)}


def _flags(command: Any) -> list[str]:
    return sorted(flag for parameter in command.params for flag in parameter.opts if flag.startswith("--"))


def _bash(commands: dict[str, dict[str, list[str]]]) -> str:
    cases = []
    for group, inner in commands.items():
        for sub, flags in inner.items():
            pattern = f"{group}/{sub}" if sub else f"{group}/*"
            cases.append(f'    {pattern}) COMPREPLY=($(compgen -W "{" ".join(flags)}" -- "$word")) ;;')
        if "" not in inner:
            cases.append(f'    {group}/*) COMPREPLY=($(compgen -W "{" ".join(inner)}" -- "$word")) ;;')
    return _BASH.format(groups=" ".join(commands), cases="\n".join(cases))


def _fish(commands: dict[str, dict[str, list[str]]]) -> str:
    from flowengine.cli.root import GROUPS

    lines = ["# flowengine: completion for fish. Save it as ~/.config/fish/completions/flowengine.fish"]
    for group, inner in commands.items():
        lines.append(f"complete -c flowengine -n __fish_use_subcommand -a {group} -d '{_quoted(GROUPS[group].about)}'")
        for sub, flags in inner.items():
            seen = f"__fish_seen_subcommand_from {group}"
            if sub:
                lines.append(f"complete -c flowengine -f -n '{seen}' -a {sub}")
                seen += f"; and __fish_seen_subcommand_from {sub}"
            lines += [f"complete -c flowengine -n '{seen}' -l {flag.removeprefix('--')}" for flag in flags]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return text.replace("'", "\\'")
