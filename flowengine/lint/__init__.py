"""Every mistake in a flow, found before it runs."""
