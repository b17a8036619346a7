"""Markdown as Claude writes it, split into posts of Discord's dialect: prefix-stable, and no fence is torn."""
