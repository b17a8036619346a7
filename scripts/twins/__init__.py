"""Stand-ins for the outside worlds: Discord, the claude CLI, the Messages API. They import nothing of ours.

Import the parts by name (`from twins.discord.loopback import LoopbackDiscord`): nothing is imported here, so that a
part that must start quickly does not pay for the others.
"""
