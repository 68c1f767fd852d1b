from tests.fakes.commands import elsewhere, flow, flowengine, hello, narrow_terminal, project
from tests.fakes.lamps import lamps

__all__ = ["elsewhere", "flow", "flowengine", "hello", "lamps", "narrow_terminal", "project"]
