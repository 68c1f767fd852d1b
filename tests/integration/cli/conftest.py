from tests.fakes.commands import flow, flowengine, hello, project

__all__ = ["flow", "flowengine", "hello", "project"]
