"""Sign-off: signature fields, signatures, and the verification of a pack or of a PDF alone.

Signatures are added as new files under `signatures/` in the pack; nothing that stands is changed.
"""
