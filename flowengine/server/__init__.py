"""The engine's HTTP side: webhooks in, the API, health, pages."""
