"""VMM traces, job errors and events: what failed, whose identity, and what to look at."""

from vmmaudit.diagnosis.diagnosis import Cause, Diagnosis, diagnose
from vmmaudit.diagnosis.reading import opened

__all__ = ["Cause", "Diagnosis", "diagnose", "opened"]
