"""Connector manifests: what a service can do, read from Microsoft's two files without touching the service.

`definition` reads a folder into a `Connector`; `catalog` finds connectors by name. Everything here only reads files.
"""
