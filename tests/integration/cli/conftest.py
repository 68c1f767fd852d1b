from tests.fakes.commands import flow, flowengine, hello, project
from tests.fakes.lamps import lamps

__all__ = ["flow", "flowengine", "hello", "lamps", "project"]
