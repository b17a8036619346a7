"""The playground: a loopback Discord and a scripted model, for tests and for trying things by hand.

Import the parts by name (`from playground.discord_loopback import LoopbackDiscord`): nothing is imported
here, so that a part that must start quickly does not pay for the others.
"""
