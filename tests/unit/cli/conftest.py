from tests.fakes.commands import flow, flowengine, hello, narrow_terminal, project
from tests.fakes.lamps import lamps

__all__ = ["flow", "flowengine", "hello", "lamps", "narrow_terminal", "project"]
