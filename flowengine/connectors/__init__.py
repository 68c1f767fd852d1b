"""Calling operations: request, authentication, policies, throttle, HTTP, answer."""
