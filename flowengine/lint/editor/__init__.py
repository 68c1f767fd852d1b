"""What editors ask while a flow is written: what may stand here, what does this mean, where is it made."""
