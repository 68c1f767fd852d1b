"""Stand-ins of the services: real HTTP servers with state in memory, to try flows without an account."""
