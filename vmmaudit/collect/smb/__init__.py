"""File servers over SMB 2 and 3: settings, shares, folders and descriptors, all read-only."""

from vmmaudit.collect.smb.server import FileServer

__all__ = ["FileServer"]
