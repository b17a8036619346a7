"""``python -I -m worker --session ID --start-fd N``: started by the supervisor, never by a person."""

import argparse
import sys

from worker.process import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="worker", description=__doc__)
    parser.add_argument("--session", required=True, help="the session's id; a label for ps, the pipe tells the rest")
    parser.add_argument("--start-fd", required=True, type=int, help="the inherited pipe with the start message")
    return run(parser.parse_args().start_fd)


if __name__ == "__main__":
    sys.exit(main())
