"""Runs flows durably: claims runs, gives the interpreter its effects, finishes runs, and resumes them after a crash."""
