"""Fixtures for all tests."""

import signal

from tests.lab.fixtures import lab

pytest_plugins = ["tests.outcomes"]
__all__ = ["lab"]

# Under nohup, or behind a shell's &, signals are ignored, and whatever a test starts inherits it.
for number, handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)
