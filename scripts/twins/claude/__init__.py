"""The scripted claude CLI (`program`): standard library only, up in about 50 ms."""
