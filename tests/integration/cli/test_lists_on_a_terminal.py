"""Tables as a terminal shows them."""


def test_lists_on_a_terminal(flowengine, hello, narrow_terminal):
    flowengine("run", "hello")
    assert "1 run" in flowengine("events", "list").out
    assert "hello" in flowengine("runs", "list").out
    assert "livechat" in flowengine("connectors", "list").out
