"""A flow that asks for tickets, and the service that shows them."""

from __future__ import annotations

from flowengine.types import Outputs

WATCH = """
flow: Watch
trigger:
  poll: livechat.ListTickets
  every: 1 minute
  with: { since: "{{ cursor | default('', true) }}" }
  item_id: "{{ item.id }}"
  cursor: "{{ item.at }}"
actions: [{log: hello}]
"""


class Pages:
    """A service that shows `page`, or raises it; `asked` keeps the inputs of every request."""

    def __init__(self) -> None:
        self.page: object = []
        self.asked: list[tuple[str, str, dict]] = []

    async def __call__(self, connector, operation, connection, inputs):
        self.asked.append((connector, operation, inputs))
        self.position = connection
        if isinstance(self.page, Exception):
            raise self.page
        return self.page if isinstance(self.page, Outputs) else Outputs(200, {}, self.page)

    @property
    def since(self) -> list:
        """From where each request asked to go on."""
        return [inputs["since"] for _, _, inputs in self.asked]
