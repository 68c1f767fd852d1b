"""LiveChat's Agent Chat Web API v3.6, with the webhook methods of its Configuration API."""
