"""What lasts: events, runs, action records, flow versions, subscriptions. The only place that knows SQL."""
