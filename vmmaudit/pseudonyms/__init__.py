"""A copy of a pack in which nobody and nothing can be recognised, and the key that maps back."""

from vmmaudit.pseudonyms.copy import Copy, pseudonymise
from vmmaudit.pseudonyms.key import Key, load, new

__all__ = ["Copy", "Key", "load", "new", "pseudonymise"]
