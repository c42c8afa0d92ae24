"""Microsoft's formats: bytes in, values out, no I/O; each module cites its specification."""
