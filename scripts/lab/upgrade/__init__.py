"""What an earlier version left behind comes up under this one: a state directory, and workers that still run.

`./scripts/test-upgrade COMMIT` plays the same sessions twice: once the earlier supervisor is followed by ours while
its workers live, and once after everything was killed. `--keep FOLDER` keeps that second state instead, with the
Discord that it belongs to; tests/data/state-0.1 was made so.
"""
