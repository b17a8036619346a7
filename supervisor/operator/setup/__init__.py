"""``threadbridge setup``: from nothing to a bot that answers, step by step, each of which can be done again."""
