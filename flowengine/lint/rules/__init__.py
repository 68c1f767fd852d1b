"""The rules, one a file, each with the words that `flowengine explain` shows."""
