"""What starts runs: webhooks, polls and schedules, and the one place where an event becomes runs."""
