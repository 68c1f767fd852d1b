"""How long `flowengine check` takes on many flows, beside what reading the same files as plain YAML takes.

    python benchmarks/check.py [FLOWS] [ACTIONS]

The flows use connectors, templates with filters, loops, branches and conditions. The time is that of the whole command in
processes of its own, start included; the promise is 1,000 flows of 20 actions in under 10 seconds on 2 cores.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

HEAD = """\
flow: Flow {number}
trigger:
  use: livechat.WebhookTicketCreated
conditions:
  - value: "{{{{ trigger.ticket.subject }}}}"
    contains: refund {number}
vars: {{ count: 0 }}
actions:
"""
ACTIONS = (
    """\
  - name: Find {n}
    use: livechat.ListAgents
    save_as: agents_{n}
""",
    """\
  - name: Assign {n}
    use: livechat.UpdateTicket
    with:
      ticketId: "{{{{ trigger.ticket.id }}}}"
      requester: {{ mail: "{{{{ trigger.ticket.requester.mail }}}}" }}
    retry: {{ times: 3, wait: 10 seconds, grow: double }}
""",
    """\
  - name: Tell {n}
    use: http.post
    with:
      url: https://example.com/{number}
      body: {{ text: "Ticket {{{{ trigger.ticket.id }}}}: {{{{ trigger.ticket.subject | upper | truncate(40) }}}} {n}" }}
""",
    """\
  - name: Each {n}
    for_each: "{{{{ trigger.ticket.events }}}}"
    as: entry
    do:
      - log: "{{{{ loop.index }}}}: {{{{ entry.message | default('-') }}}} ({n})"
""",
    """\
  - name: If {n}
    if: "{{{{ trigger.ticket.tags | length > {n} and vars.count < 5 }}}}"
    then:
      - set: {{ count: "{{{{ vars.count + 1 }}}}" }}
    else:
      - log: "{{{{ formatDateTime(now(), 'yyyy') }}}} {number}"
""",
)


def write(folder: Path, flows: int, actions: int) -> list[Path]:
    """Write the flows; a list and a branch count as the actions that they hold, too."""
    folder.mkdir()
    paths = []
    for number in range(flows):
        text, count, turn = HEAD.format(number=number), 0, 0
        while count < actions:
            one = ACTIONS[turn % len(ACTIONS)].format(n=turn, number=number)
            count += 1 + one.count("      - ")
            turn += 1
            text += one
        path = folder / f"flow-{number}.yaml"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def main(flows: int = 1000, actions: int = 20) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        paths = write(Path(scratch) / "flows", flows, actions)
        began = time.process_time()
        for path in paths:
            yaml.safe_load(path.read_text(encoding="utf-8"))
        plain = time.process_time() - began
        began = time.perf_counter()
        command = [sys.executable, "-m", "flowengine", "-C", scratch, "check", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        took = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = used.ru_utime + used.ru_stime
    summary = json.loads(done.stdout)["summary"]
    print(f"{flows} flows of {actions} actions: {took:.2f} s ({took / flows * 1000:.1f} ms a flow), {summary}")
    # Processor time, because a machine that does other things at the same time makes every wall clock lie.
    print(
        f"Processor time: {busy:.2f} s; yaml.safe_load of the same files: {plain:.2f} s; {busy / plain:.2f} times as long"
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
