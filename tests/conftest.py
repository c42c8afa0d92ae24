"""Fixtures for all tests."""

import gc
import signal

from hypothesis import HealthCheck, settings

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

# How long something takes says how busy the machine is, and is no test. The same commit is tested
# with the same examples; `pytest --hypothesis-profile=search` looks for new ones.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", untimed)
settings.register_profile("same", untimed, derandomize=True)
settings.load_profile("same")

# What thousands of tests keep is looked through less often, as `vmmaudit` itself has it.
gc.set_threshold(50_000, 20, 100)
