"""Numbered changes of the schema, run by `schema.upgrade`."""
