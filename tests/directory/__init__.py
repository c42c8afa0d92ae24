"""A directory over a real socket that sets the limits of Windows, which Samba has not."""
