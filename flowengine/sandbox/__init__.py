"""Stand-ins of LiveChat v2, LiveChat v3.6 and Comm100: stateful, on real HTTP."""
